"""Markdown into messages, all at once or while it grows."""

import copy
import re
from collections.abc import Sequence
from dataclasses import replace

from bots.splitting import tables
from bots.splitting.blocks import Blocks, Line, is_decided, line_end, split_lines
from bots.splitting.inline import first_chunk, first_code_piece
from bots.splitting.pages import Pages
from bots.splitting.part import Part
from bots.splitting.style import Style
from bots.splitting.unit import Role, Unit, beginning

_NEARBY = 200  # characters in which most chunks of a line end
# `Like this: ```py`, as models write at times, though CommonMark does not know it.
_LATE_FENCE = re.compile(r"(`{3,8})([\w+#.-]{0,32})[ \t]*[\r\n]+")
_LONG = 5  # a line of code longer than a fifth of a message may be cut


def split(text: str, style: Style) -> list[Part]:
    """The messages that show a text; together their `source` is the text."""
    return Splitter(style).finish(text)


class Splitter:
    """Splits a text that grows. A message that is full never changes any more.

    What is closed depends on the text alone, not on the pieces in which it came: at any moment
    `closed` is the beginning of what `split` gives for the whole text.

    Args:
        style: How the platform writes Markdown, and how much fits in a message.
    """

    def __init__(self, style: Style) -> None:
        self._style = style
        self._pages = Pages(style)
        self._blocks = Blocks(longest_marker=style.limit // 8)
        self._read = 0
        self._rest = ""
        """What was read and is not placed yet: a word or a link that may go on."""
        self._line: Line | None = None
        """The line that `_rest` goes on with; None at the beginning of one."""
        self._inside = False
        """Whether something of that line was placed."""
        self._dropped = 0
        """How much of that line stands before its text."""
        self._long = False
        """Whether that line is too long to be kept together."""

    @property
    def closed(self) -> Sequence[Part]:
        """The messages that are full; only ever added to."""
        return self._pages.closed

    @property
    def settled(self) -> Part | None:
        """The message after those, as far as it is certain: `shown` only grows until it is closed.

        For a platform that can only append: send what is new in `shown`, and `closing` once the
        part is among `closed`.
        """
        return self._pages.current

    @property
    def open(self) -> Part | None:
        """The message after the closed ones with all that fits in it, fences closed.

        For a platform that can edit: its end may look different once more is known.
        """
        ahead = copy.copy(self)
        ahead._pages, ahead._blocks = copy.copy(self._pages), copy.copy(self._blocks)
        ahead._pages.closed = []
        ahead._work(final=True)
        ahead._pages.finish()
        return ahead._pages.closed[0] if ahead._pages.closed else None

    def update(self, text: str) -> None:
        """Read on.

        Args:
            text: All of the text so far; begins with what was given before.
        """
        self._rest += text[self._read :]
        self._read = len(text)
        self._work(final=False)

    def finish(self, text: str) -> list[Part]:
        """All messages, now that the text is whole."""
        self._rest += text[self._read :]
        self._read = len(text)
        self._work(final=True)
        self._pages.finish()
        return self._pages.closed

    def _work(self, final: bool) -> None:
        """Place what is certain of the rest."""
        text, at, window = self._rest, 0, self._style.limit + 2
        while at < len(text):
            ahead = text[at : at + window]
            taken = self._take(ahead, final and at + window >= len(text))
            if taken is None:
                break
            at += taken
        self._rest = text[at:]

    def _take(self, ahead: str, final: bool) -> int | None:
        """Place a unit or a part of it; how much text it was, None when more has to be known."""
        end = line_end(ahead)
        text = ahead[:end] if end else ahead
        # A line longer than a message is judged by its beginning, however much is known.
        whole = end > 0 or final or len(ahead) == self._style.limit + 2
        if self._line is None:
            if not (whole or is_decided(text)):
                return None
            self._begin(text)
        unit = self._unit(ahead, text, whole, final)
        if unit is None:
            return None
        taken = self._pages.place(unit)
        if taken:
            self._go_on(unit, taken)
        return taken

    def _begin(self, text: str) -> None:
        """Find out what kind of line begins here."""
        beginning = text.rstrip("\r\n")[: self._style.limit]
        self._line = self._blocks.read(beginning)
        self._dropped = len(beginning) - len(self._line.rest)
        if self._line.ended:
            self._pages.end_fence()
        if self._line.kind != "text" or not tables.is_row(text):
            self._pages.header = ""

    def _unit(self, ahead: str, text: str, whole: bool, final: bool) -> Unit | None:
        """The next unit, None when it may go on."""
        assert self._line is not None  # noqa: S101 - `_begin` was called
        begins, start = not self._inside, 0 if self._inside else self._dropped
        line = replace(self._line, rest=text[start:])
        if line.kind == "text" and begins and not start and tables.is_row(text):
            table = self._table(ahead, line, final)
            if table is None or table.source:
                return table
        self._long = self._long or len(text) > self._style.limit // _LONG
        if line.kind in ("code", "heading") and not self._long:
            role: Role = "heading" if line.kind == "heading" else ""
            return Unit(text, line, begins, role=role) if whole else None
        if line.kind in ("open", "close", "blank"):
            return Unit(text, line, begins)
        first = first_code_piece if line.kind == "code" else first_chunk
        if line.kind == "code" and begins:
            # What looks like the fence's end is not left alone in a line.
            start = len(text) - len(text[start:].lstrip(" \t`~"))
        chunk = first(text[:_NEARBY], False, start) or first(text, whole, start)
        if chunk is None:
            return None
        unit = beginning(Unit(text, line, begins, chunk.whole), chunk.end)
        if line.kind == "text" and not begins and (late := _LATE_FENCE.fullmatch(unit.source)):
            return replace(unit, line=self._blocks.open_late(late[1], late[2]))
        return unit

    def _table(self, ahead: str, line: Line, final: bool) -> Unit | None:
        """The beginning of a table, or more of its rows; an empty unit when it is none."""
        header, most = self._pages.header, self._style.limit // 2
        head = 0 if header else tables.head_length(ahead, final, most // 3)
        if head is None:
            return None
        length: int | None = head
        if not self._style.draws_tables and (header or head):
            length = tables.rows_length(ahead, final, most, head)
        elif header:
            length = tables.row_length(ahead, final, most // 3)
        if length == 0:
            self._pages.header = ""
        return None if length is None else Unit(ahead[:length], line, True, [], "table", header)

    def _go_on(self, unit: Unit, taken: int) -> None:
        """Remember where in a line the text goes on."""
        if unit.role == "table":
            lines = split_lines(unit.source)
            self._pages.header = unit.header or "".join(lines[:2])
            for further in lines[1:]:
                self._blocks.read(further.rstrip("\r\n"))
        self._inside = True
        if unit.source[:taken].endswith(("\n", "\r")):
            self._line, self._inside, self._long = None, False, False
        elif unit.line.kind == "open":
            # The rest of an opening line that is too long is shown as code.
            self._line, self._long = replace(unit.line, kind="code"), True
        elif unit.line.kind == "close":
            self._line = replace(unit.line, kind="text")
