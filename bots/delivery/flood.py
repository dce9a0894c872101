"""How many questions one person, and one channel, may ask in a minute."""

import time
from collections import deque
from collections.abc import Callable

_WINDOW_SECONDS = 60.0


class Window:
    """Counts what happened in the last minute, by key.

    Args:
        limit: Times in a minute; 0: no limit.
        clock: Seconds that never go back.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._swept = clock()

    def wait(self, key: str) -> float:
        """Seconds until `key` may again; 0: now."""
        if not self._limit:
            return 0.0
        times = self._recent(key)
        if len(times) < self._limit:
            return 0.0
        return times[-self._limit] + _WINDOW_SECONDS - self._clock()

    def add(self, key: str) -> None:
        """It happened."""
        if self._limit:
            self._recent(key).append(self._clock())
            self._sweep()

    def _recent(self, key: str) -> deque[float]:
        times = self._times.setdefault(key, deque())
        while times and times[0] <= self._clock() - _WINDOW_SECONDS:
            times.popleft()
        return times

    def _sweep(self) -> None:
        """Once a minute, forget who has been silent: memory stays flat."""
        if self._clock() < self._swept + _WINDOW_SECONDS:
            return
        self._swept = self._clock()
        for key in list(self._times):
            if not self._recent(key):
                del self._times[key]


class Flood:
    """Refuses questions over the limits; a person is told so once in a minute.

    Args:
        user_per_minute: Questions of one person; 0: no limit.
        channel_per_minute: Questions in one channel; 0: no limit.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        user_per_minute: int,
        channel_per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = Window(user_per_minute, clock)
        self._channels = Window(channel_per_minute, clock)
        self._told = Window(1, clock)

    def take(self, user: str, channel: str) -> float:
        """Count a question; the seconds to wait when it is one too many, else 0."""
        wait = max(self._users.wait(user), self._channels.wait(channel))
        if not wait:
            self._users.add(user)
            self._channels.add(channel)
        return wait

    def tell(self, user: str) -> bool:
        """Whether the person should be told now; true once in a minute."""
        if self._told.wait(user):
            return False
        self._told.add(user)
        return True
