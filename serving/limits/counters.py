"""What quotas and the cache are kept in: one protocol, in memory and in Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Window:
    """At most `limit` within any `seconds`, counted under `name`."""

    name: str
    limit: int
    """1 or more."""
    seconds: int


class Counters(Protocol):
    """Counts and values that are forgotten by themselves. Names are any text."""

    async def take(self, windows: Sequence[Window], ticket: str = "") -> list[float]:
        """Count one in each window, unless one of them is full: then in none.

        Args:
            windows: Where to count.
            ticket: A name of its own, by which it can be given back; "": it cannot.

        Returns:
            Of each window, the seconds until it has room again; 0 for all when it was counted.
        """

    async def give_back(self, windows: Sequence[Window], ticket: str) -> None:
        """Have these windows as if the one with this ticket had never been taken."""

    async def add(self, name: str, count: int, seconds: float) -> None:
        """Add to a sum that is forgotten `seconds` after it was begun."""

    async def total(self, name: str) -> int:
        """The sum; 0 when there is none."""

    async def get(self, name: str) -> bytes | None:
        """What was put under this name, if it is still kept."""

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """Keep a value for `seconds`; memory may run short and forget it before."""
