"""The block structure of Markdown, line by line: quotes, list items and the fences within.

Follows https://spec.commonmark.org/0.31.2/#phase-1-block-structure as far as fences need it.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["blank", "text", "heading", "open", "code", "close"]

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,3}(?:[-*+]|(\d{1,9})[.)]))(?:([ \t]{1,4})(?=\S)|(?=[ \t])|$)")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)$")
_LANGUAGE = re.compile(r"[\w+#.-]{1,32}(?=\s|$)")

# While a line grows, its kind is open as long as it is the beginning of list items, quotes, rules,
# headings or fences.
_UNDECIDED = re.compile(
    r"(?:\s*(?:>|[-*+]|\d{1,9}[.)]))*+\s*"
    r"(?:\d{1,9}|#{1,6}|[-*_][-*_\s]*|`{0,2}|~{0,2}|(?:```|~~~).*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Container:
    """A quote (width 0), or a list item whose content begins `width` columns in."""

    width: int
    line: int
    """The number of the line it began on."""


@dataclass(frozen=True)
class Fence:
    """An open code fence."""

    marker: str
    """The backticks or tildes that opened it."""
    indent: int
    """Columns before the marker, which are taken off each line of code."""
    info: str
    containers: tuple[Container, ...]

    @property
    def language(self) -> str:
        """The info string's first word, "" when it is none."""
        found = _LANGUAGE.match(self.info)
        return found.group() if found else ""

    @property
    def quotes(self) -> str:
        """What begins each line of it when its list items are left out."""
        return "> " * sum(container.width == 0 for container in self.containers)

    @property
    def inside(self) -> str:
        """What begins each line of it where it stands."""
        return "".join(" " * each.width if each.width else "> " for each in self.containers)

    def closed_by(self, rest: str) -> bool:
        """Whether a line (without what begins it) is this fence's end."""
        run = rest.strip(" \t")
        return columns(rest) < 4 and len(run) >= len(self.marker) and not run.strip(self.marker[0])


@dataclass(frozen=True)
class Line:
    """What a line is."""

    kind: Kind
    rest: str
    """What stands behind its quotes and list items; of code, behind the fence's indent too."""
    number: int
    fence: Fence | None = None
    """The fence that it opens, belongs to or closes."""
    ended: Fence | None = None
    """A fence that ended before it without a closing line, as its quote or list item did."""
    nested: int = 0
    """Columns that the list items it stands in have indented it."""
    continues: bool = False
    """Whether it goes on with the paragraph of the line before it, whatever it looks like."""

    @property
    def looks_fenced(self) -> bool:
        """Whether it is text that begins as a fence does."""
        fenced = self.rest.lstrip().startswith(("```", "~~~"))
        return fenced and self.kind == "text" and columns(self.rest) < 4


def line_end(text: str) -> int:
    """Where the first line ends, behind its line end; 0 while that is not known.

    A `\\r` that comes last may be half of a line end.
    """
    feed, carriage = text.find("\n"), text.find("\r", 0, -1)
    if carriage >= 0 and (feed < 0 or carriage < feed - 1):
        return carriage + 1
    return feed + 1


def split_lines(text: str) -> list[str]:
    """The lines of a text with their ends, which are Markdown's alone."""
    return _LINES.findall(text)


def is_decided(beginning: str) -> bool:
    """Whether the beginning of a line says what kind of line it is."""
    return not _UNDECIDED.fullmatch(beginning)


class Blocks:
    """Reads lines one after the other.

    Args:
        longest_marker: Fences with a longer marker, or deeper within quotes and lists, are text.
    """

    def __init__(self, longest_marker: int) -> None:
        self._longest_marker = longest_marker
        self._containers: tuple[Container, ...] = ()
        self._fence: Fence | None = None
        self._in_paragraph = False
        self._number = 0

    def read(self, line: str) -> Line:
        """The next line, without its end; its decided beginning is enough."""
        self._number += 1
        rest, depth = self._enter(line)
        fence, self._fence = self._fence, None
        if fence and depth == len(self._containers):
            nested = _nested(fence.containers)
            if fence.closed_by(rest):
                return Line("close", rest.lstrip(" "), self._number, fence, nested=nested)
            self._fence, code = fence, drop_columns(rest, fence.indent)
            return Line("code", code, self._number, fence, nested=nested)
        return self._read_text(rest, depth, ended=fence)

    def open_late(self, marker: str, info: str) -> Line:
        """A fence that opens at the end of the last line, behind text."""
        self._in_paragraph = False
        self._fence = Fence(marker, 0, info, self._containers)
        return Line("open", "", self._number, self._fence)

    def _enter(self, line: str) -> tuple[str, int]:
        """What stands behind the open containers, and how many of them go on in this line."""
        rest = line
        for depth, container in enumerate(self._containers):
            if container.width == 0:
                quote = _QUOTE.match(rest)
                if not quote:
                    return rest, depth
                rest = rest[quote.end() :]
            elif rest.strip():
                if columns(rest) < container.width:
                    return rest, depth
                rest = drop_columns(rest, container.width)
        return rest, len(self._containers)

    def _read_text(self, rest: str, depth: int, ended: Fence | None) -> Line:
        """A line outside of fences."""
        in_paragraph, self._in_paragraph = self._in_paragraph, False
        interrupts = in_paragraph and depth == len(self._containers)
        opened: list[Container] = []
        while True:
            if quote := _QUOTE.match(rest):
                opened.append(Container(0, self._number))
                rest = rest[quote.end() :]
            elif (item := _ITEM.match(rest)) and not _RULE.match(rest):
                number, empty = item[2] or "1", not rest[item.end() :].strip()
                if interrupts and not opened and (empty or number != "1"):
                    break
                width = len(f"{item[1]}{item[3] or ' '}".expandtabs(4))
                if width > len(item[1]) + 4:
                    width = len(item[1]) + 1
                opened.append(Container(width, self._number))
                rest = rest[len(item[1] + (item[3] or " ")) :]
            else:
                break
        nested = _nested(self._containers[:depth])
        kept = self._containers[:depth] + tuple(opened)
        if opening := self._opening(rest, kept):
            self._containers, self._fence = kept, opening
            return Line("open", rest, self._number, opening, ended, nested)
        kind: Kind = "text"
        if not rest.strip():
            kind = "blank"
        elif _HEADING.match(rest):
            kind = "heading"
        elif in_paragraph and not opened and not _RULE.match(rest):
            # Such a line goes on with the paragraph even without its quote or indent.
            self._in_paragraph = True
            return Line(kind, rest, self._number, nested=nested, continues=True)
        else:
            self._in_paragraph = columns(rest) < 4 and not _RULE.match(rest)
        self._containers = kept
        return Line(kind, rest, self._number, ended=ended, nested=nested)

    def _opening(self, rest: str, containers: tuple[Container, ...]) -> Fence | None:
        found = _FENCE.match(rest)
        if not found:
            return None
        fence = Fence(found[2], len(found[1]), found[3].strip(), containers)
        overhead = len(fence.inside) + len(fence.marker)
        return fence if overhead <= self._longest_marker else None


def _nested(containers: tuple[Container, ...]) -> int:
    """Columns of indent within list items; 0 within quotes, whose lines begin otherwise."""
    if any(container.width == 0 for container in containers):
        return 0
    return sum(container.width for container in containers)


def columns(line: str) -> int:
    """How far a line is indented; a tab reaches to the next multiple of four."""
    column = 0
    for character in line:
        if character == " ":
            column += 1
        elif character == "\t":
            column += 4 - column % 4
        else:
            break
    return column


def drop_columns(line: str, count: int) -> str:
    """The line without its first `count` columns of indent; a tab is dropped whole."""
    column = 0
    for at, character in enumerate(line):
        if column >= count or character not in " \t":
            return line[at:]
        column += 1 if character == " " else 4 - column % 4
    return ""
