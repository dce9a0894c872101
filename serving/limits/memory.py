"""Counters in this process."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from serving.limits.counters import Window

V = TypeVar("V")

_SECOND = 10**9
_MOST_NAMES = 100_000
"""Of each kind. Clients choose the names of users, so their number has no bound of its own."""
_MOST_BYTES = 32 * 2**20


class MemoryCounters:
    """Right for one gateway; several would each count for themselves.

    Args:
        clock: Nanoseconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._taken: _Kept[deque[tuple[int, str]]] = _Kept(_MOST_NAMES)
        self._sums: _Kept[int] = _Kept(_MOST_NAMES)
        self._values: _Kept[bytes] = _Kept(_MOST_BYTES, len)

    async def take(self, windows: Sequence[Window], ticket: str = "") -> list[float]:
        """See `Counters.take`."""
        now = self._clock()
        times = [self._taken.get(window.name, now) or deque() for window in windows]
        waits = [_wait(window, kept, now) for window, kept in zip(windows, times, strict=True)]
        if not any(waits):
            for window, kept in zip(windows, times, strict=True):
                kept.append((now, ticket))
                self._taken.put(window.name, kept, now, now + window.seconds * _SECOND)
        return waits

    async def give_back(self, windows: Sequence[Window], ticket: str) -> None:
        """See `Counters.give_back`."""
        for window in windows:
            kept = self._taken.get(window.name, self._clock()) or deque()
            for one in [one for one in kept if one[1] == ticket]:
                kept.remove(one)

    async def add(self, name: str, count: int, seconds: float) -> None:
        """See `Counters.add`."""
        now = self._clock()
        before = self._sums.get(name, now)
        ends = now + int(seconds * _SECOND) if before is None else self._sums.expiry(name)
        self._sums.put(name, (before or 0) + count, now, ends)

    async def total(self, name: str) -> int:
        """See `Counters.total`."""
        return self._sums.get(name, self._clock()) or 0

    async def get(self, name: str) -> bytes | None:
        """See `Counters.get`."""
        return self._values.get(name, self._clock())

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """See `Counters.put`."""
        now = self._clock()
        self._values.put(name, value, now, now + int(seconds * _SECOND))


def _wait(window: Window, taken: deque[tuple[int, str]], now: int) -> float:
    """Forget what has left the window; the seconds until it has room."""
    while taken and taken[0][0] <= now - window.seconds * _SECOND:
        taken.popleft()
    if len(taken) < window.limit:
        return 0.0
    return (taken[-window.limit][0] + window.seconds * _SECOND - now) / _SECOND


class _Kept(Generic[V]):
    """Values by name until they expire; beyond `most`, some that nobody put lately go before."""

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._entries: OrderedDict[str, tuple[int, V]] = OrderedDict()

    def get(self, name: str, now: int) -> V | None:
        """The value, if it has not expired."""
        entry = self._entries.get(name)
        return entry[1] if entry and entry[0] > now else None

    def expiry(self, name: str) -> int:
        """When a value that is kept expires."""
        return self._entries[name][0]

    def put(self, name: str, value: V, now: int, expires: int) -> None:
        """Keep a value; in passing, look at two others, so that no call has to look at all."""
        self._drop(name)
        self._entries[name] = (expires, value)
        self._weight += self._weigh(value)
        for oldest in list(self._first(2)):
            if self._entries[oldest][0] <= now:
                self._drop(oldest)
            else:
                self._entries.move_to_end(oldest)
        while self._weight > self._most:
            self._drop(next(iter(self._entries)))

    def _first(self, count: int) -> list[str]:
        return [name for name, _ in zip(self._entries, range(count), strict=False)]

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry:
            self._weight -= self._weigh(entry[1])

    def __len__(self) -> int:
        return len(self._entries)
