"""The counters that `[limits]` asks for."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from onbrand.config import Limits
from onbrand.errors import UsageError
from onbrand.secrets import secret
from serving.limits.counters import Counters
from serving.limits.degrading import degrading
from serving.limits.memory import MemoryCounters
from serving.limits.redis_counters import RedisCounters

REDIS_URL = "ONBRAND_REDIS_URL"


@asynccontextmanager
async def open_counters(
    settings: Limits, noticed: Callable[[bool], None] | None = None
) -> AsyncIterator[Counters]:
    """Redis when it is configured, memory otherwise.

    Args:
        settings: `[limits]`.
        noticed: Called with whether Redis can be reached: once at the start, then at each change.

    Raises:
        UsageError: the URL is none of Redis's, or holds a password in `brand.toml`.
    """
    given = secret(REDIS_URL)
    url = given or settings.redis_url
    if not url:
        yield MemoryCounters()
        return
    if not given and _holds_password(url):
        raise UsageError(f"limits.redis_url holds a password; put it into {REDIS_URL} instead.")
    pool = _pool(url, REDIS_URL if given else "limits.redis_url")
    async with (
        Redis.from_pool(pool) as redis,
        degrading(RedisCounters(redis), noticed) as counters,
    ):
        yield counters


def _pool(url: str, place: str) -> ConnectionPool:
    """Connections, of which `degrading` uses a few at once."""
    try:
        pool = ConnectionPool.from_url(
            url,
            # `degrading` limits the whole call. With a timeout here, redis-py sends by way of
            # asyncio.wait_for, which in Python 3.11 may swallow a cancellation, ours included:
            # https://github.com/python/cpython/issues/81839
            socket_timeout=None,
            # Once: connections in the pool are dead after Redis was started again.
            retry=Retry(NoBackoff(), 1),
        )
        pool.connection_class(**pool.connection_kwargs)  # raises for an option there is not
    except (ValueError, TypeError):
        # Not `from error`: what it says may hold the URL, and that a password.
        raise UsageError(f"{place} is not a URL such as redis://127.0.0.1:6379/0.") from None
    return pool


def _holds_password(url: str) -> bool:
    parts = urlsplit(url)
    return "@" in parts.netloc or "password" in parse_qs(parts.query)
