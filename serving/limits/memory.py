"""Counters in this process."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from cachetools import TLRUCache

from serving.limits.counters import Window

_SECOND = 10**9
_MOST_NAMES = 100_000
"""Of each kind. Clients choose the names of users, so their number has no bound of its own."""
_MOST_BYTES = 32 * 2**20


class _Times(NamedTuple):
    taken: deque[tuple[int, str]]
    ends: int


class _Sum(NamedTuple):
    total: int
    ends: int


class _Value(NamedTuple):
    content: bytes
    ends: int


class MemoryCounters:
    """Right for one gateway; several would each count for themselves.

    Args:
        clock: Nanoseconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._taken: TLRUCache[str, _Times] = TLRUCache(_MOST_NAMES, _ends, clock)
        self._sums: TLRUCache[str, _Sum] = TLRUCache(_MOST_NAMES, _ends, clock)
        self._values: TLRUCache[str, _Value] = TLRUCache(_MOST_BYTES, _ends, clock, _bytes)

    async def take(self, windows: Sequence[Window], ticket: str = "") -> list[float]:
        """See `Counters.take`."""
        now = self._clock()
        times = [self._times(window) for window in windows]
        waits = [_wait(window, kept, now) for window, kept in zip(windows, times, strict=True)]
        if not any(waits):
            for window, kept in zip(windows, times, strict=True):
                kept.append((now, ticket))
                self._taken[window.name] = _Times(kept, now + window.seconds * _SECOND)
        return waits

    async def give_back(self, windows: Sequence[Window], ticket: str) -> None:
        """See `Counters.give_back`."""
        for window in windows:
            kept = self._times(window)
            for one in [one for one in kept if one[1] == ticket]:
                kept.remove(one)

    async def add(self, name: str, count: int, seconds: float) -> None:
        """See `Counters.add`."""
        before = self._sums.get(name) or _Sum(0, self._ends_after(seconds))
        self._sums[name] = before._replace(total=before.total + count)

    async def total(self, name: str) -> int:
        """See `Counters.total`."""
        known = self._sums.get(name)
        return known.total if known else 0

    async def get(self, name: str) -> bytes | None:
        """See `Counters.get`."""
        known = self._values.get(name)
        return known.content if known else None

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """See `Counters.put`."""
        with suppress(ValueError):  # larger than all that may be kept
            self._values[name] = _Value(value, self._ends_after(seconds))

    def _times(self, window: Window) -> deque[tuple[int, str]]:
        known = self._taken.get(window.name)
        return known.taken if known else deque()

    def _ends_after(self, seconds: float) -> int:
        return self._clock() + int(seconds * _SECOND)


def _ends(_name: str, entry: _Times | _Sum | _Value, _now: float) -> int:
    return entry.ends


def _bytes(value: _Value) -> int:
    return len(value.content)


def _wait(window: Window, taken: deque[tuple[int, str]], now: int) -> float:
    """Forget what has left the window; the seconds until it has room."""
    while taken and taken[0][0] <= now - window.seconds * _SECOND:
        taken.popleft()
    if len(taken) < window.limit:
        return 0.0
    return (taken[-window.limit][0] + window.seconds * _SECOND - now) / _SECOND
