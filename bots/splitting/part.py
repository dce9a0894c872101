"""A part of an answer: one message on a platform."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """What one message shows, and the piece of the answer it stands for."""

    source: str
    """The piece of the answer's Markdown, unchanged."""
    shown: str
    """The same as the platform writes it, beginning with what reopens a fence or a table."""
    closing: str = ""
    """What closes a fence that goes on in the next part; "" where none is open."""

    @property
    def text(self) -> str:
        """The message to send: within the platform's limit, every fence closed."""
        return self.shown + self.closing

    @property
    def blank(self) -> bool:
        """Whether there is nothing to see; platforms refuse such a message."""
        return not self.text.strip()


def join(parts: Iterable[Part]) -> str:
    """The answer again, without anything that splitting added."""
    return "".join(part.source for part in parts)


def utf16_size(text: str) -> int:
    """Length in UTF-16 code units, which is never less than in characters.

    Discord counts code points (https://github.com/discord/discord-api-docs/issues/1315), Slack does
    not say what it counts; a text within a limit by this measure is within it by either.
    """
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
