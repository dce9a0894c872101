"""Tables: finding them in Markdown, and drawing them where a platform cannot.

https://github.github.com/gfm/#tables-extension-, with a `|` at the beginning of each row.
"""

import re
import unicodedata

from bots.splitting.blocks import split_lines
from bots.splitting.inline import clusters

WIDEST = 60
"""Columns of fixed-width text that fit beside each other in a narrow window."""

_ROW = re.compile(r" {0,3}\|")
_DELIMITER = re.compile(r" {0,3}\|[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*[\r\n]*")
_MAYBE_DELIMITER = re.compile(r" {0,3}(?:\|[ \t|:-]*)?[\r\n]*")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_MARKS = re.compile(r"\*\*|__|~~|`")
_INVISIBLE = "\u200b"


def is_row(line: str) -> bool:
    """Whether a line may be a row."""
    return _ROW.match(line) is not None


def head_length(text: str, final: bool, most: int) -> int | None:
    """Length of the two lines that a table begins with, 0 when none begins; None: not known yet.

    Args:
        text: Begins with a row.
        final: Whether nothing follows.
        most: Longest head.
    """
    lines = split_lines(text)
    if len(lines[0]) > most:
        return 0
    if len(lines) < 2:
        return 0 if final else None
    if not _MAYBE_DELIMITER.fullmatch(lines[1]) or len(lines[0] + lines[1]) > most:
        return 0
    if not (final or _ends(lines, 1)):
        return None
    return len(lines[0] + lines[1]) if _DELIMITER.fullmatch(lines[1]) else 0


def row_length(text: str, final: bool, most: int) -> int | None:
    """Length of the row that the text begins with, 0 when it is too long; None: not known yet."""
    lines = split_lines(text)
    if len(lines[0]) > most:
        return 0
    return len(lines[0]) if final or _ends(lines, 0) else None


def rows_length(text: str, final: bool, most: int, start: int) -> int | None:
    """How far the rows go on from `start`, at most `most` altogether; None: not known yet."""
    end, lines = start, split_lines(text[start:])
    for number, line in enumerate(lines):
        if end + len(line) > most or (line.strip(" ") and not is_row(line)):
            return end
        if not (final or _ends(lines, number)):
            return None
        end += len(line)
    return end if final else None


def _ends(lines: list[str], number: int) -> bool:
    """Whether a line is whole; a `\\r` that comes last may be half of a line end."""
    return lines[number].endswith("\n") or number + 1 < len(lines)


def draw(header: str, rows: str, most: int) -> str:
    """A table in fixed width within a fence; as a list when it is wide or long.

    Args:
        header: The first two lines.
        rows: The others.
        most: Longest result, characters; beyond it the rows stay as they are.
    """
    names = _cells(split_lines(header)[0])
    table = [_cells(row) for row in split_lines(rows)]
    columns = max(len(cells) for cells in [names, *table])
    padded = [cells + [""] * (columns - len(cells)) for cells in [names, *table]]
    widths = [max(_width(cells[at]) for cells in padded) for at in range(columns)]
    if sum(widths) + 3 * (columns - 1) <= WIDEST:
        lines = [_line(cells, widths) for cells in padded]
        lines.insert(1, "-+-".join("-" * width for width in widths))
        drawn = _fenced("\n".join(lines))
    else:
        drawn = "".join(_item(padded[0], cells) for cells in padded[1:])
    if len(drawn) > most:
        drawn = _fenced((header + rows).rstrip("\r\n"))
    return drawn if (header + rows).endswith(("\n", "\r")) else drawn.removesuffix("\n")


def _cells(row: str) -> list[str]:
    """What stands between the borders."""
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    cells = _CELL_BORDER.split(inner)
    return [_BREAK.sub(" ", cell).replace("\\|", "|").strip() for cell in cells]


def _line(cells: list[str], widths: list[int]) -> str:
    pairs = zip((_MARKS.sub("", cell) for cell in cells), widths, strict=True)
    return " | ".join(cell + " " * (width - _width(cell)) for cell, width in pairs).rstrip()


def _item(names: list[str], cells: list[str]) -> str:
    """A row as an item of a list: its first cell, then the others under their names."""
    first, *others = zip(names, cells, strict=True)
    title = first[1] or first[0]
    details = [f"{name}: {cell}" if name else cell for name, cell in others if cell]
    marked = f"**{title}**" if title and "**" not in title else title
    return f"- {' · '.join([marked, *details])}\n"


def _fenced(text: str) -> str:
    return f"```\n{text.replace('```', _INVISIBLE.join('```'))}\n```\n"


def _width(text: str) -> int:
    """Columns that a text takes in fixed width; marks that a fence would show are left out."""
    return sum(
        2 if unicodedata.east_asian_width(cluster[0]) in "WF" else 1
        for cluster in clusters(_MARKS.sub("", text))
    )
