"""How a platform writes Markdown, and how much of it a message holds."""

from bots.splitting.blocks import Fence
from bots.splitting.part import utf16_size
from bots.splitting.quiet import quiet


class Style:
    """Standard Markdown, as Slack's markdown block takes it.

    Each method writes one piece of an answer; what it is given it gives back, to the eye, except
    for what the platform could not show.

    Args:
        limit: UTF-16 code units in one message.
    """

    keeps_containers = True
    """Whether a fence within a list item may stay there."""
    draws_tables = True

    def __init__(self, limit: int) -> None:
        if limit < 64:
            raise ValueError("limit is at least 64")
        self.limit = limit

    def size(self, text: str) -> int:
        """How much of a message a text takes."""
        return utf16_size(text)

    def text(self, chunk: str, begins_line: bool) -> str:
        """A chunk of a line of text."""
        return quiet(chunk)

    def heading(self, line: str) -> str:
        """A heading, with its line end."""
        return quiet(line)

    def code(self, line: str) -> str:
        """A line of code, or a piece of one."""
        return quiet(line)

    def marker(self, fence: Fence) -> str:
        """What opens and closes a fence."""
        return fence.marker

    def table(self, header: str, rows: str) -> str:
        """A table where `draws_tables` is false, with its line ends.

        Args:
            header: Its first two lines, when `rows` is a later piece of it.
            rows: Otherwise its first two lines as well.
        """
        return quiet(header + rows)


SLACK = Style(12_000)
"""A markdown block, or `markdown_text` of a stream.

https://docs.slack.dev/reference/block-kit/blocks/markdown-block
"""
