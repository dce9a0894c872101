"""Markdown as Discord writes it.

https://support.discord.com/hc/en-us/articles/210298617: headings of three levels, lists with `-`
and `*`, fences of three backticks that begin anywhere, links; no tables and no images.
"""

import re

from bots.splitting import tables
from bots.splitting.blocks import Fence, split_lines
from bots.splitting.inline import without_images, without_stray_fences
from bots.splitting.quiet import quiet
from bots.splitting.style import Style

_HEADING = re.compile(r"([ >]*)(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*([\r\n]*)", re.DOTALL)
_PLUS = re.compile(r"([ \t>]*)\+(?=[ \t])")
_TICKS = re.compile("```+")
_INVISIBLE = "\u200b"


class DiscordStyle(Style):
    """What Discord shows."""

    keeps_containers = False
    draws_tables = False

    def text(self, chunk: str, begins_line: bool) -> str:
        """Images become links, `+` begins no list, and fences begin where we say."""
        chunk = without_images(chunk) if "![" in chunk else chunk
        chunk = without_stray_fences(chunk) if "```" in chunk else chunk
        return quiet(_PLUS.sub(r"\1-", chunk, 1) if begins_line else chunk)

    def heading(self, line: str) -> str:
        """Below the third level there is only bold."""
        line = self.text(line, begins_line=False)
        found = _HEADING.fullmatch(line)
        if not found or len(found[2]) < 4 or not found[3]:
            return line
        words = found[3].replace("**", "")
        return f"{found[1]}**{words}**{found[4]}"

    def code(self, line: str) -> str:
        """Three backticks would end the fence, wherever they stand."""
        return quiet(_TICKS.sub(lambda ticks: _INVISIBLE.join(ticks.group()), line))

    def marker(self, fence: Fence) -> str:
        """The only one there is."""
        return "```"

    def table(self, header: str, rows: str) -> str:
        """Fixed width or a list."""
        if not header:
            first, second, *others = split_lines(rows)
            header, rows = first + second, "".join(others)
        return quiet(tables.draw(header, rows, self.limit * 3 // 4))


DISCORD = DiscordStyle(2_000)
"""The content of a message: https://docs.discord.com/developers/resources/message."""
