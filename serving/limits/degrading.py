"""Redis while it answers, memory while it does not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from redis.exceptions import RedisError

from serving.limits.counters import Counters, Window
from serving.limits.memory import MemoryCounters

T = TypeVar("T")

_BUDGET_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_AT_ONCE = 8
"""More calls wait for one another: a crowd of ours must not look like a slow Redis."""
# RuntimeError: what uvloop makes of writing to a connection that was closed at the other end.
_FAILURES = (RedisError, OSError, TimeoutError, RuntimeError)
_log = logging.getLogger("onbrand.limits")


@asynccontextmanager
async def degrading(
    redis: Counters, noticed: Callable[[bool], None] | None = None
) -> AsyncIterator[Counters]:
    """Counters that no request waits for or fails by.

    A call may take 0.2 s. The first that fails or takes longer turns all others to memory, and from
    then on only a task of its own asks Redis, until it answers again. Meanwhile each gateway counts
    for itself, so that a user may get the quota once from each: better than none, and better than
    refusing everybody.

    Args:
        redis: Counters in Redis.
        noticed: Called with whether Redis can be reached: once at the start, then at each change.
    """
    counters = _Degrading(redis, noticed or (lambda up: None))
    try:
        await counters.begin()
        yield counters
    finally:
        await counters.end()


class _Degrading:
    def __init__(self, redis: Counters, noticed: Callable[[bool], None]) -> None:
        self._redis = redis
        self._memory = MemoryCounters()
        self._noticed = noticed
        self._up = True
        self._returning: asyncio.Task[None] | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def begin(self) -> None:
        if await self._tried():
            self._noticed(True)

    async def end(self) -> None:
        if self._returning:
            self._returning.cancel()
            await asyncio.gather(self._returning, return_exceptions=True)

    async def take(self, windows: Sequence[Window], ticket: str = "") -> list[float]:
        return await self._first(lambda counters: counters.take(windows, ticket))

    async def give_back(self, windows: Sequence[Window], ticket: str) -> None:
        await self._first(lambda counters: counters.give_back(windows, ticket))

    async def add(self, name: str, count: int, seconds: float) -> None:
        await self._first(lambda counters: counters.add(name, count, seconds))

    async def total(self, name: str) -> int:
        return await self._first(lambda counters: counters.total(name))

    async def get(self, name: str) -> bytes | None:
        return await self._first(lambda counters: counters.get(name))

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        await self._first(lambda counters: counters.put(name, value, seconds))

    async def _first(self, call: Callable[[Counters], Awaitable[T]]) -> T:
        if self._up:
            async with self._turns:
                try:
                    if self._up:  # still, after waiting for a turn
                        return await self._in_time(call)
                except _FAILURES as error:
                    self._lost(error)
        return await call(self._memory)

    async def _in_time(self, call: Callable[[Counters], Awaitable[T]]) -> T:
        async with asyncio.timeout(_BUDGET_SECONDS):
            return await call(self._redis)

    def _lost(self, error: Exception) -> None:
        if self._returning:
            return  # a request beside this one has found out before
        self._up = False
        self._noticed(False)
        _log.warning(
            "Redis does not answer (%s); limits are kept in memory until it does.",
            type(error).__name__,
        )
        self._returning = asyncio.create_task(self._until_back())

    async def _until_back(self) -> None:
        pause = _FIRST_PAUSE
        await asyncio.sleep(pause)
        while not await self._tried():
            pause = min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)
        self._up = True
        self._returning = None
        self._noticed(True)
        _log.info("Redis is back; limits are kept there again.")

    async def _tried(self) -> bool:
        """Whether Redis can be written, too: one that is full or a replica still answers a ping."""
        try:
            await self._in_time(lambda redis: redis.put("trial", b"", 1))
        except _FAILURES as error:
            self._lost(error)
            return False
        return True
