"""Fills messages, one after the other: what fits, what is closed and opened again between them."""

import re
from dataclasses import replace

from bots.splitting.blocks import Fence, columns, drop_columns
from bots.splitting.part import Part
from bots.splitting.style import Style
from bots.splitting.unit import Unit, beginning, fitting

# A message ends at such a place once no more than this share of it, or so much, is left.
_PARAGRAPH, _LINE, _SENTENCE = (0.25, 1500), (0.15, 900), (0.07, 420)

_INVISIBLE = "\u200b"
# What begins a block of its own when it comes to stand at the beginning of a message.
_BLOCK_START = re.compile(r"\s*(?:```|~~~|#{1,6}\s|[-*+]\s|>|\d{1,9}[.)]\s|---|===|\|)| {4}|\t")
_ORDERED_ITEM = re.compile(r"\s*\d{1,9}[.)]\s")
_FENCE_LIKE = re.compile("```|~~~")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]*_]*\s+$")


class Pages:
    """The messages so far.

    Args:
        style: The platform's.
    """

    def __init__(self, style: Style) -> None:
        self.closed: list[Part] = []
        self.header = ""
        """The first two lines of the table that goes on; shown again on top of each message."""
        self._style = style
        self._source = ""
        self._shown = ""
        self._size = 0
        self._opener: Unit | None = None
        """The line that opens a fence; waits for the first line of code, to stay with it."""
        self._fence: Fence | None = None
        """The fence that is open in what is shown."""
        self._flat = False
        """Whether that fence is written without the list items around it."""
        self._first_line = 1
        """The number of the line that this message begins with, or within."""
        self._nested = 0
        """Columns that this message's first line was indented by list items."""
        self._torn = False
        """Whether this message has only the rest of a line so far."""
        self._due = ""
        self._after_heading = False

    @property
    def current(self) -> Part | None:
        """The message that is being filled, as it would be sent now."""
        return Part(self._source, self._shown, self._closing()) if self._source else None

    def place(self, unit: Unit) -> int:
        """Add a unit, or as much of one as fits in a message; returns how much of its source."""
        if self._due and self._may_end_before(unit):
            self._close()
        if unit.line.kind == "open":
            return self._hold(unit)
        if self._source and not self._fits(unit) and self._fits_anew(unit):
            self._close()
        if self._fits(unit):
            self._add(unit)
            return len(unit.source)
        if self._opener:
            self._add_opener()
        return self._fill(unit)

    def finish(self) -> None:
        """End the last message; nothing may follow."""
        if self._opener:
            self._add_opener()
        if self._source:
            self._close()

    def end_fence(self) -> None:
        """Close a fence that ended without a line that does."""
        if self._opener:
            self._add_opener()
        if self._fence:
            self._write("", self._closing() + "\n")
            self._fence = None

    # What a unit looks like, and how much room it takes

    def _looks(self, unit: Unit, anew: bool) -> str:
        """A unit as it is shown, in this message or in a new one."""
        style, line, source = self._style, unit.line, unit.source
        if unit.code and line.fence:
            if not unit.begins_line:
                torn = (anew or not self._source) and _FENCE_LIKE.match(source.lstrip(" \t"))
                return _INVISIBLE + style.code(source) if torn else style.code(source)
            if not self._is_flat(line.fence, anew):
                return style.code(source)
            if line.kind == "code":
                return line.fence.quotes + style.code(line.rest)
            end = source[len(source.rstrip("\r\n")) :]
            return line.fence.quotes + style.marker(line.fence) + end
        if unit.begins_line and columns(source) >= (nested := self._nested_in(unit, anew)):
            source = drop_columns(source, nested)
        if unit.role == "heading":
            return style.heading(source)
        if unit.role == "table" and not style.draws_tables:
            return style.table(unit.header, source)
        shown = style.text(source, unit.begins_line)
        starts = anew or not self._source
        if starts and (line.continues or not unit.begins_line) and _BLOCK_START.match(source):
            return _INVISIBLE + shown
        if unit.begins_line and line.looks_fenced:
            # Not a fence where it stands, but perhaps one where the message ends.
            return _FENCE_LIKE.sub(_INVISIBLE + r"\g<0>", shown, 1)
        return shown

    def _nested_in(self, unit: Unit, anew: bool) -> int:
        """Columns of indent that a message does without, as the list items began before it."""
        return unit.line.nested if anew or not self._source else self._nested

    def _opener_looks(self, anew: bool) -> str:
        if not self._opener or not self._opener.line.fence:
            return ""
        fence, source = self._opener.line.fence, self._opener.source
        if not self._is_flat(fence, anew):
            return source
        end = source[len(source.rstrip("\r\n")) :] or "\n" + fence.quotes
        info = fence.info if self._style.keeps_containers else fence.language
        late = not self._opener.begins_line and self._source and not anew
        return ("\n" if late else "") + fence.quotes + self._style.marker(fence) + info + end

    def _is_flat(self, fence: Fence, anew: bool) -> bool:
        """Whether a fence loses its list items: they may have begun in an earlier message."""
        if not self._style.keeps_containers or (self._opener and not self._opener.begins_line):
            return True
        if self._fence:
            return self._flat or anew
        begins = self._opener and (anew or not self._source)
        first = self._opener.line.number if self._opener and begins else self._first_line
        return any(each.width and each.line < first for each in fence.containers)

    def _closing(self) -> str:
        """What closes the open fence at the end of this message."""
        if not self._fence:
            return ""
        begins = self._fence.quotes if self._flat else self._fence.inside
        line_end = "" if self._shown.endswith(("\n", "\r")) else "\n"
        return line_end + begins + self._style.marker(self._fence)

    def _reserve(self, unit: Unit) -> int:
        """Room that closing the fence behind a unit may take."""
        fence = unit.line.fence if unit.line.kind == "code" else None
        if not fence:
            return 0
        return 1 + len(fence.inside) + len(fence.marker)

    def _fits(self, unit: Unit) -> bool:
        return self._excess(unit) <= 0

    def _excess(self, unit: Unit) -> int:
        """By how much this message would be too long with a unit."""
        shown = self._gap(unit) + self._opener_looks(False) + self._looks(unit, False)
        return self._size + self._style.size(shown) + self._reserve(unit) - self._style.limit

    def _fits_anew(self, unit: Unit) -> bool:
        begins = self._reopening(unit.begins_line)
        shown = begins + self._opener_looks(True) + self._looks(unit, True)
        return self._style.size(shown) + self._reserve(unit) <= self._style.limit

    def _gap(self, unit: Unit) -> str:
        """A blank line, where a list item would be taken for more of a paragraph that was torn.

        The message does not show that the paragraph was a list item, too.
        """
        item = (
            unit.begins_line
            and not unit.code
            and _ORDERED_ITEM.match((self._opener or unit).source)
        )
        return "\n" if self._torn and item else ""

    # Adding

    def _may_end_before(self, unit: Unit) -> bool:
        if unit.blank or unit.line.kind in ("blank", "close") or not self._source:
            return False
        # A line that belongs to the one before: a row of a table, a nested list item.
        belongs = unit.role == "table" or unit.source.startswith(("    ", "\t"))
        return not (self._due == "line" and belongs)

    def _hold(self, unit: Unit) -> int:
        """Keep the line that opens a fence; one too long for that is cut as if it were code."""
        if self._source and self._is_full(_PARAGRAPH):
            self._close()
        if len(unit.source) <= self._style.limit // 4:
            self._opener = unit
            return len(unit.source)
        if self._source:
            self._close()
        return self._add_marker_alone(unit)

    def _add_marker_alone(self, unit: Unit) -> int:
        fence = unit.line.fence
        assert fence is not None  # noqa: S101 - it opens one
        bare = replace(unit.line, fence=replace(fence, info=""))
        source = unit.source[: unit.source.index(fence.marker) + len(fence.marker)]
        self._opener = replace(unit, source=source, line=bare)
        self._add_opener()
        return len(source)

    def _add_opener(self) -> None:
        if not self._opener or not self._opener.line.fence:
            return
        opener, fence = self._opener, self._opener.line.fence
        needed = len(self._opener_looks(False)) + 2 + len(fence.inside) + len(fence.marker)
        if self._source and self._size + needed > self._style.limit:
            self._close()
        shown, flat = self._gap(opener) + self._opener_looks(False), self._is_flat(fence, False)
        self._write(opener.source, shown, opener)
        self._opener, self._fence, self._flat = None, fence, flat

    def _add(self, unit: Unit) -> None:
        self._add_opener()
        self._write(unit.source, self._gap(unit) + self._looks(unit, False), unit)
        if unit.line.kind == "close":
            self._fence = None
        self._due = self._due_behind(unit)
        if not unit.blank:
            self._after_heading = unit.line.kind == "heading"

    def _write(self, source: str, shown: str, unit: Unit | None = None) -> None:
        if unit and not self._source:
            self._first_line = unit.line.number + (not unit.begins_line)
            self._nested = unit.line.nested
            self._torn = not unit.begins_line
        elif unit and unit.begins_line:
            self._torn = False
            if not unit.blank and columns(source) < self._nested:
                self._nested = 0
        self._source += source
        self._shown += shown
        self._size += self._style.size(shown)

    def _due_behind(self, unit: Unit) -> str:
        """Whether the message is full enough to end behind a unit."""
        ends_line = unit.source.endswith(("\n", "\r"))
        if unit.line.kind == "code":
            return "block" if unit.blank and ends_line and self._is_full(_LINE) else ""
        if self._after_heading and unit.blank:
            return ""
        if unit.line.kind in ("blank", "close") and ends_line:
            return "block" if self._is_full(_PARAGRAPH) else ""
        if ends_line and unit.line.kind != "heading":
            return "line" if self._is_full(_LINE) else ""
        ends_sentence = self._is_full(_SENTENCE) and _SENTENCE_END.search(unit.source)
        return "block" if ends_sentence else ""

    def _is_full(self, room: tuple[float, int]) -> bool:
        share, characters = room
        return self._style.limit - self._size <= min(share * self._style.limit, characters)

    def _fill(self, unit: Unit) -> int:
        """Add as much as fits of a unit that is too long for any message."""
        style, reserve = self._style, self._reserve(unit)
        room = style.limit - self._size - reserve
        fresh = style.limit - style.size(self._reopening(False)) - reserve
        head = fitting(unit.source, unit.whole, room, fresh, style)
        while head and (excess := self._excess(beginning(unit, head))) > 0:
            room -= -(-excess // 3)  # at most two characters are added to one
            head = fitting(unit.source, unit.whole, room, fresh, style)
        if not head and self._source:
            self._close()
            return 0
        self._add(beginning(unit, head or 1))
        return head or 1

    # From one message to the next

    def _reopening(self, begins_line: bool) -> str:
        """What the next message begins with when this one ends here."""
        fence = self._fence
        if fence:
            opening = f"{fence.quotes}{self._style.marker(fence)}{fence.language}\n"
            return opening if begins_line else opening + fence.quotes
        if self.header and begins_line and self._style.draws_tables:
            return self._style.text(self.header, True)
        return ""

    def _close(self) -> None:
        begins_line = self._source.endswith(("\n", "\r"))
        reopening = self._reopening(begins_line)
        self.closed.append(Part(self._source, self._shown, self._closing()))
        self._source, self._shown, self._size = "", reopening, self._style.size(reopening)
        self._flat, self._due = True, ""
