"""What stands within a line: where it may be cut, and what must stay whole.

A line is read in chunks. A chunk is a word with the spaces behind it, together with any link, code,
mention, emoji or bold run that it touches; between two chunks a line may be cut. A line that is
still growing is read only as far as more text could not change.
"""

from collections.abc import Iterator
from typing import NamedTuple

import regex

_LABEL = r"!?\[(?:[^\[\]\n]|\[[^\[\]\n]*+\])*+\]"
_TARGET = (
    r"\((?:<[^<>\n]*+>|(?:[^()\s]|\([^()\s]*+\))*+)"
    r"(?:[ \t]++(?:\"[^\"\n]*+\"|'[^'\n]*+'|\([^()\n]*+\)))?[ \t]*+\)"
)
_LINK = rf"{_LABEL}(?:{_TARGET})?+"
# Mentions and custom emoji of both platforms, autolinks.
_ANGLE = r"<(?:[@#!:/]|a:|t:|id:|[A-Za-z][A-Za-z0-9+.-]{1,31}:)[^<>\n]*+>"
_EMOJI = r":[\w+'-]++:(?::skin-tone-\d:)?+"
_EMPHASIS = (
    r"(?P<mark>\*\*\*?+|__|~~|\|\|)(?=\S)"
    rf"(?:(?!(?P=mark))(?:{_LINK}|{_ANGLE}|[^\n]))++(?P=mark)"
)
_CONSTRUCTS = {
    "[": regex.compile(_LINK),
    "!": regex.compile(_LINK),
    "<": regex.compile(_ANGLE),
    ":": regex.compile(_EMOJI),
} | dict.fromkeys("*_~|", regex.compile(_EMPHASIS))
_LABEL_END = regex.compile(r"\](?=\()")
_OPEN_TARGET = regex.compile(_TARGET)
_LONGEST_EMPHASIS = 300  # characters kept whole; a longer bold run may be cut

# Scripts that put no spaces between words.
_UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\N{IDEOGRAPHIC COMMA}-\N{IDEOGRAPHIC FULL STOP}"
)
_PLAIN = regex.compile(rf"[^\s\[!<:*_~|\0{_UNSPACED}]++")
_SPACES = regex.compile(r"\s++")
_UNSPACED_RUN = regex.compile(rf"(?:(?=[{_UNSPACED}])\X){{1,12}}+")
# A cluster may go on behind a space, too.
_EXTENDS = regex.compile(r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]")
_TICKS_OR_ESCAPE = regex.compile(r"\\[!-/:-@\[-`{-~]|`++")
_TICKS = regex.compile(r"`++")
# Flags by themselves: \X looks back over all flags before one, which takes minutes for thousands.
_CLUSTER = regex.compile(
    r"\p{Regional_Indicator}{2}[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*+"
    r"|[\ud800-\udbff][\udc00-\udfff]|\X"
)
_CODE_PIECE = regex.compile(r"[^\s,;]*+[\s,;]*+")

Span = tuple[int, int]


class Chunk(NamedTuple):
    """The beginning of a line up to the first place where it may be cut."""

    end: int
    whole: list[Span]
    """What within it should not be cut, even where it must be."""


def first_chunk(line: str, final: bool, start: int = 0) -> Chunk | None:
    """The first chunk of a line or of the rest of one; None when more text could change it.

    Args:
        line: Not empty; nothing behind its line end.
        final: Whether nothing follows.
        start: Where its text begins, behind quotes and list items.
    """
    masked, code, unsettled = _without_code(line, final)
    whole: list[Span] = []
    at = leading.end() if (leading := _SPACES.match(line, start)) else start
    breakable = False
    while at < len(line):
        if at >= unsettled:
            return None
        if spaces := _SPACES.match(line, at):
            at, breakable = spaces.end(), True
        elif breakable and not _EXTENDS.match(line, at):
            return Chunk(at, whole)
        elif at in code:
            whole.append((at, code[at]))
            at, breakable = code[at], False
        elif run := _UNSPACED_RUN.match(line, at):
            at, breakable = run.end(), True
        elif plain := _PLAIN.match(masked, at):
            at, breakable = plain.end(), False
        else:
            end = _construct_end(masked, at, final)
            if end is None or end > unsettled:
                return None
            if end > at + 1:
                whole.append((at, end))
            at, breakable = end, False
    return Chunk(at, whole) if final else None


def first_code_piece(line: str, final: bool, start: int = 0) -> Chunk | None:
    """As `first_chunk` for a line of code: it may be cut behind spaces, commas and semicolons."""
    end = start
    while end < len(line):
        piece = _CODE_PIECE.match(line, end)
        assert piece is not None  # noqa: S101 - it matches the empty text as well
        end = piece.end()
        if end < len(line) and not _EXTENDS.match(line, end):
            return Chunk(end, [])
        if end < len(line):
            end += 1
    return Chunk(end, []) if final else None


def clusters(text: str) -> Iterator[str]:
    """What a person sees as one character each."""
    return (found.group() for found in _CLUSTER.finditer(text))


def without_images(text: str) -> str:
    """The text with each image turned into a link; code is left alone."""
    masked, code, _ = _without_code(text, final=True)
    out, at = [], 0
    for found in regex.finditer(rf"!(?=\[(?:[^\[\]\n])*+\]{_TARGET})", masked):
        if not any(start <= found.start() < end for start, end in code.items()):
            out.append(text[at : found.start()])
            at = found.end()
    return "".join(out) + text[at:]


def without_stray_fences(text: str) -> str:
    """The text with runs of three and more backticks broken up, unless they hold inline code."""
    code = _without_code(text, final=True)[1]

    def broken(ticks: regex.Match[str]) -> str:
        inside = any(start <= ticks.start() < end for start, end in code.items())
        return ticks.group() if inside else "\u200b".join(ticks.group())

    return regex.sub(r"`{3,}", broken, text)


def _construct_end(masked: str, at: int, final: bool) -> int | None:
    """Where the link, mention, emoji or bold run at `at` ends, `at + 1` when there is none.

    None when more text could make it one.
    """
    grammar = _CONSTRUCTS.get(masked[at])
    if grammar is None:
        return at + 1
    if not final and _has_open_target(masked, at):
        return None
    found = grammar.match(masked, at, partial=not final)
    if found is None:
        return at + 1
    if found.partial or (not final and found.end() == len(masked)):
        too_long = masked[at] in "*_~|" and len(masked) - at > _LONGEST_EMPHASIS
        return at + 1 if too_long else None
    if masked[at] in "*_~|" and found.end() - at > _LONGEST_EMPHASIS:
        return at + 1
    return int(found.end())


def _has_open_target(masked: str, at: int) -> bool:
    """Whether a link behind `at` has begun to say where it leads, and more text may end it.

    A partial match of the whole link would not tell, as its target may be missing.
    """
    for label_end in _LABEL_END.finditer(masked, at):
        target = _OPEN_TARGET.match(masked, label_end.end(), partial=True)
        if target and target.partial:
            return True
    return False


def _without_code(line: str, final: bool) -> tuple[str, dict[int, int], int]:
    """The line with code spans and escapes blotted out, the spans, and how far that is sure."""
    runs = [run.span() for run in _TICKS_OR_ESCAPE.finditer(line)]
    if not runs:
        return line, {}, len(line)
    masked, code, at, unsettled = list(line), {}, 0, len(line)
    for start, end in runs:
        if start < at:
            continue
        if line[start] == "\\":
            masked[start:end] = "xx"
            continue
        if end == len(line) and not final:
            unsettled = start
            break
        closer = _closing_run(line, end, end - start)
        if closer is None or (closer == len(line) and not final):
            if not final:
                unsettled = start
                break
            masked[start:end] = "x" * (end - start)
            continue
        masked[start:closer] = "\0" * (closer - start)
        code[start], at = closer, closer
    return "".join(masked), code, unsettled


def _closing_run(line: str, after: int, length: int) -> int | None:
    """Where the next run of exactly so many backticks ends; a backslash does not escape it."""
    for run in _TICKS.finditer(line, after):
        if len(run.group()) == length:
            return int(run.end())
    return None
