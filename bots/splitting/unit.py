"""The pieces that messages are filled with, and how much of one fits."""

from dataclasses import dataclass, field, replace
from typing import Literal

from bots.splitting.blocks import Line
from bots.splitting.inline import Span, clusters
from bots.splitting.style import Style

Role = Literal["", "heading", "table"]


@dataclass(frozen=True)
class Unit:
    """A piece of the answer that stays in one message if it can."""

    source: str
    line: Line
    begins_line: bool
    whole: list[Span] = field(default_factory=list)
    """What within it should not be cut, even where the unit must be."""
    role: Role = ""
    """What a whole line, or several, is drawn as."""
    header: str = ""
    """The first two lines of the table, where the unit is a later piece of it."""

    @property
    def code(self) -> bool:
        """Whether it stands within a fence, its closing line included."""
        return self.line.kind in ("code", "close")

    @property
    def blank(self) -> bool:
        """Whether it is nothing but space."""
        return self.source.isspace()


def beginning(unit: Unit, length: int) -> Unit:
    """The beginning of a unit."""
    before = len(unit.source) - len(unit.line.rest)
    rest = unit.line.rest[: max(length - before, 0)]
    return replace(unit, source=unit.source[:length], line=replace(unit.line, rest=rest))


def fitting(source: str, whole: list[Span], room: int, fresh: int, style: Style) -> int:
    """How much of the beginning of a text fits, without cutting what should stay whole.

    Args:
        source: The text.
        whole: What should not be cut unless it is longer than `fresh`, in order.
        room: What is left in the message.
        fresh: What a new message has room for.
        style: Says how much a text takes.
    """
    kept = [span for span in whole if style.size(source[slice(*span)]) <= fresh]
    at = fits = size = 0
    for cluster in clusters(source[: max(room, 0) + 1]):
        at += len(cluster)
        size += style.size(cluster)
        if size > room:
            break
        while kept and kept[0][1] <= at:
            kept.pop(0)
        if not kept or at <= kept[0][0]:
            fits = at
    if not fits and room > fresh // 2:
        return max(room // 2, 1)  # a single cluster is longer than a message
    return fits
