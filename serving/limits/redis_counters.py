"""Counters in Redis, which several gateways share."""

import uuid
from collections.abc import Awaitable, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from serving.limits.counters import Window

_PREFIX = "onbrand:"
_MICROSECOND = 1e-6

# One round trip, and nothing of another gateway's in between. Times come from Redis itself, so that
# gateways whose clocks differ agree; in whole microseconds, which a double holds exactly.
# KEYS: sorted sets. ARGV: a unique member, then limit and seconds of each.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local waits, full = {}, false
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[2 * i]), ARGV[2 * i + 1] * 1000000
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local count = redis.call('ZCARD', key)
  waits[i] = 0
  if count >= limit then
    local last = redis.call('ZRANGE', key, count - limit, count - limit, 'WITHSCORES')
    waits[i] = last[2] + window - now
    full = true
  end
end
if not full then
  for i, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('EXPIRE', key, ARGV[2 * i + 1])
  end
end
return waits
"""
_ADD = """
local is_new = redis.call('EXISTS', KEYS[1]) == 0
redis.call('INCRBY', KEYS[1], ARGV[1])
if is_new then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
"""


class RedisCounters:
    """In Redis 5 or later, not in a cluster. Raises what redis-py raises.

    Source: https://redis.io/docs/latest/develop/programmability/eval-intro/
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take = redis.register_script(_TAKE)
        self._add = redis.register_script(_ADD)

    async def take(self, windows: Sequence[Window], ticket: str = "") -> list[float]:
        """See `Counters.take`."""
        if not windows:
            return []
        bounds = [bound for window in windows for bound in (window.limit, window.seconds)]
        taken = self._take(keys=_names(windows), args=[ticket or uuid.uuid4().hex, *bounds])
        return [wait * _MICROSECOND for wait in await cast(Awaitable[list[int]], taken)]

    async def give_back(self, windows: Sequence[Window], ticket: str) -> None:
        """See `Counters.give_back`."""
        async with self._redis.pipeline() as together:
            for name in _names(windows):
                together.zrem(name, ticket)
            await together.execute()

    async def add(self, name: str, count: int, seconds: float) -> None:
        """See `Counters.add`."""
        added = self._add(keys=[f"{_PREFIX}sum:{name}"], args=[count, int(seconds * 1000)])
        await cast(Awaitable[Any], added)

    async def total(self, name: str) -> int:
        """See `Counters.total`."""
        return int(await self._redis.get(f"{_PREFIX}sum:{name}") or 0)

    async def get(self, name: str) -> bytes | None:
        """See `Counters.get`."""
        return cast("bytes | None", await self._redis.get(f"{_PREFIX}value:{name}"))

    async def put(self, name: str, value: bytes, seconds: float) -> None:
        """See `Counters.put`."""
        await self._redis.set(f"{_PREFIX}value:{name}", value, px=max(int(seconds * 1000), 1))


def _names(windows: Sequence[Window]) -> list[str]:
    return [f"{_PREFIX}take:{window.name}" for window in windows]
