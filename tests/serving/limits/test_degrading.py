"""Redis stops, hangs, is slow or refuses to be written: requests notice nothing."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from onbrand.config import Limits
from serving.limits.configured import open_counters
from serving.limits.counters import Counters, Window
from tests.serving.servers import Server, redis, redis_url

pytestmark = pytest.mark.anyio
LONGEST_CALL = 0.2 + 1.0
"""The budget, and what a machine with other work may add."""


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Server]:
    server = redis(tmp_path)
    server.start()
    yield server
    if server.process:
        server.process.send_signal(signal.SIGCONT)
    server.stop()


class Load:
    """Requests that ask one after the other for as long as the block lasts."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.calls = 0
        self.longest = 0.0

    async def ask(self, who: int) -> None:
        number = 0
        while True:
            number += 1
            began = time.monotonic()
            windows = [Window(f"{who}", 10**6, 60)]
            waits = await self.counters.take(windows, "ticket")
            await self.counters.give_back(windows, "ticket")
            await self.counters.put(f"{who}", f"{number}".encode(), 60)
            value = await self.counters.get(f"{who}")
            await self.counters.add(f"{who}", 1, 60)
            await self.counters.total(f"{who}")
            self.longest = max(self.longest, (time.monotonic() - began) / 6)
            assert waits == [0]
            # Another request's value would mean that answers of Redis went to the wrong one. None:
            # it was put where it cannot be got, because Redis came or went in between.
            assert value is None or int(value) <= number
            self.calls += 6
            await asyncio.sleep(0.01)


@asynccontextmanager
async def under_load(counters: Counters, clients: int = 20) -> AsyncIterator[Load]:
    load = Load(counters)
    tasks = [asyncio.create_task(load.ask(who)) for who in range(clients)]
    try:
        yield load
    finally:
        failed = [task.exception() for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        _, deaf = await asyncio.wait(tasks, timeout=5)
    assert deaf == set()
    assert failed == []
    assert load.calls > clients
    assert load.longest < LONGEST_CALL


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        f"{record.levelname}: {record.message}"
        for record in caplog.records
        if record.name == "onbrand.limits"
    ]


async def stopped(server: Server) -> None:
    await asyncio.to_thread(server.stop)


async def killed(server: Server) -> None:
    await asyncio.to_thread(server.stop, signal.SIGKILL)


async def hung(server: Server) -> None:
    assert server.process
    os.kill(server.process.pid, signal.SIGSTOP)


async def slow(server: Server) -> None:
    async with Redis.from_url(redis_url(server)) as redis:
        await redis.client_pause(2_000)


async def read_only(server: Server) -> None:
    async with Redis.from_url(redis_url(server)) as redis:
        await redis.replicaof("127.0.0.1", "1")


async def full(server: Server) -> None:
    async with Redis.from_url(redis_url(server)) as redis:
        await redis.config_set("maxmemory", "1")


async def mended(server: Server) -> None:
    if server.process is None:
        await asyncio.to_thread(server.start)
        return
    os.kill(server.process.pid, signal.SIGCONT)
    async with Redis.from_url(redis_url(server)) as redis:
        await redis.replicaof("NO", "ONE")
        await redis.config_set("maxmemory", "0")


@pytest.mark.parametrize("fault", [stopped, killed, hung, slow, read_only, full])
async def test_one_warning_no_failure_and_back_by_itself(
    own_redis: Server,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[Server], Awaitable[None]],
) -> None:
    caplog.set_level(logging.INFO, "onbrand.limits")
    ups: list[bool] = []
    async with open_counters(Limits(redis_url=redis_url(own_redis)), ups.append) as counters:
        assert ups == [True]
        async with under_load(counters) as load:
            await asyncio.sleep(0.2)
            assert ups == [True]
            await fault(own_redis)
            await until(lambda: ups == [True, False])
            before = load.calls
            await asyncio.sleep(1)
            assert load.calls > before
            await mended(own_redis)
            await until(lambda: ups == [True, False, True])
            await asyncio.sleep(0.2)
        lost, back = said(caplog)
        assert lost.startswith("WARNING: Redis does not answer (")
        assert back == "INFO: Redis is back; limits are kept there again."
        await counters.put("after", b"1", 60)
    async with Redis.from_url(redis_url(own_redis)) as redis:
        assert await redis.get("onbrand:value:after") == b"1"


async def test_limits_hold_while_redis_is_away(own_redis: Server) -> None:
    async with open_counters(Limits(redis_url=redis_url(own_redis))) as counters:
        await stopped(own_redis)
        await counters.total("finds out")
        began = time.monotonic()
        waits = await asyncio.gather(*(counters.take([Window("x", 7, 60)]) for _ in range(500)))
        assert sum(wait == [0] for wait in waits) == 7
        await counters.give_back([Window("x", 7, 60)], "taken in Redis")
        assert any(await counters.take([Window("x", 7, 60)]))
        assert time.monotonic() - began < LONGEST_CALL


async def test_redis_may_be_away_at_the_start(
    own_redis: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "onbrand.limits")
    own_redis.stop()
    ups: list[bool] = []
    async with open_counters(Limits(redis_url=redis_url(own_redis)), ups.append) as counters:
        assert ups == [False]
        await counters.put("x", b"1", 60)
        assert await counters.get("x") == b"1"
        own_redis.start()
        await until(lambda: ups == [False, True])
        assert await counters.get("x") is None
    assert len(said(caplog)) == 2


async def test_a_request_that_is_cancelled_ends(redis_server: Server) -> None:
    async with open_counters(Limits(redis_url=redis_url(redis_server))) as counters:
        for turns in range(60):
            asking = asyncio.create_task(Load(counters).ask(0))
            for _ in range(turns):  # cancelled wherever it may be
                await asyncio.sleep(0)
            asking.cancel()
            _, deaf = await asyncio.wait([asking], timeout=5)
            assert deaf == set()


async def test_many_at_once_are_no_reason_to_degrade(
    redis_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """More calls than connections: they wait for one another, within the budget."""
    async with open_counters(Limits(redis_url=redis_url(redis_server))) as counters:
        for _ in range(5):
            await asyncio.gather(*(counters.get(str(n)) for n in range(100)))
    assert said(caplog) == []
