"""What holds in memory and in Redis alike."""

import asyncio
import time

import pytest

from onbrand.config import Limits
from serving.limits.configured import open_counters
from serving.limits.counters import Counters, Window
from tests.serving.servers import Server, redis_url

pytestmark = pytest.mark.anyio


async def taken(counters: Counters, *windows: Window) -> bool:
    return not any(await counters.take(windows))


async def test_a_window_takes_its_limit_and_then_says_when(counters: Counters) -> None:
    window = Window("a", 3, 1)
    began = time.monotonic()
    assert [await taken(counters, window) for _ in range(5)] == [True, True, True, False, False]
    (wait,) = await counters.take([window])
    assert 0 < wait <= 1
    await asyncio.sleep(wait)
    assert await taken(counters, window)
    assert time.monotonic() - began >= 1


async def test_names_are_counted_apart(counters: Counters) -> None:
    assert await taken(counters, Window("b", 1, 60))
    assert await taken(counters, Window("c", 1, 60))
    assert not await taken(counters, Window("b", 1, 60))


async def test_all_windows_or_none(counters: Counters) -> None:
    wide, narrow = Window("wide", 2, 60), Window("narrow", 1, 60)
    assert await taken(counters, wide, narrow)
    for _ in range(3):
        free, full = await counters.take([wide, narrow])
        assert free == 0
        assert 59 < full <= 60
    assert await taken(counters, wide)
    assert not await taken(counters, wide)


async def test_exact_when_many_ask_at_once(counters: Counters) -> None:
    window = Window("crowd", 20, 60)
    waits = await asyncio.gather(*(counters.take([window]) for _ in range(300)))
    assert sum(wait == [0] for wait in waits) == 20


async def test_a_lower_limit_counts_what_was_taken_before(counters: Counters) -> None:
    for _ in range(5):
        assert await taken(counters, Window("lowered", 5, 60))
    assert not await taken(counters, Window("lowered", 2, 60))
    assert await taken(counters, Window("lowered", 6, 60))


async def test_what_is_given_back_was_never_taken(counters: Counters) -> None:
    window, other = Window("given", 2, 1), Window("given too", 5, 60)
    assert await counters.take([window, other], "first") == [0, 0]
    await asyncio.sleep(0.5)
    assert await counters.take([window, other], "second") == [0, 0]
    for _ in range(2):  # twice is once
        await counters.give_back([window, other], "first")
    await counters.give_back([window, Window("never taken", 1, 60)], "unknown")
    assert await counters.take([window], "third") == [0]
    (wait,) = await counters.take([window])
    assert 0.6 < wait <= 1  # the second's, not the first's
    assert [await taken(counters, other) for _ in range(5)] == [True] * 4 + [False]


async def test_crowds_that_give_back_leave_room_for_the_limit(counters: Counters) -> None:
    window = Window("coming and going", 20, 60)

    async def come_and_go(ticket: str) -> None:
        if not any(await counters.take([window], ticket)):
            await counters.give_back([window], ticket)

    await asyncio.gather(*(come_and_go(f"{number}") for number in range(200)))
    assert [await taken(counters, window) for _ in range(21)] == [True] * 20 + [False]


async def test_a_sum_ends_when_it_was_said_to_at_its_beginning(counters: Counters) -> None:
    assert await counters.total("tokens") == 0
    await counters.add("tokens", 30, 0.4)
    await asyncio.sleep(0.2)
    await counters.add("tokens", 12, 60)
    assert await counters.total("tokens") == 42
    await asyncio.sleep(0.3)
    assert await counters.total("tokens") == 0


async def test_no_addition_is_lost(counters: Counters) -> None:
    await asyncio.gather(*(counters.add("many", n, 60) for n in range(100)))
    assert await counters.total("many") == 4950


async def test_a_value_is_kept_for_its_time(counters: Counters) -> None:
    assert await counters.get("answer") is None
    value = bytes(range(256))
    await counters.put("answer", value, 0.3)
    assert await counters.get("answer") == value
    await counters.put("answer", b"", 0.3)
    assert await counters.get("answer") == b""
    await asyncio.sleep(0.35)
    assert await counters.get("answer") is None


@pytest.mark.parametrize("name", ["\x00", "مرحبا", "a b\r\nSET x 1", "\U0001f600" * 200])
async def test_any_text_is_a_name(counters: Counters, name: str) -> None:
    assert await taken(counters, Window(name, 1, 60))
    assert not await taken(counters, Window(name, 1, 60))
    await counters.put(name, b"1", 60)
    assert await counters.get(name) == b"1"


async def test_gateways_share_what_is_in_redis(redis_server: Server) -> None:
    limits = Limits(redis_url=redis_url(redis_server))
    window = Window("shared", 10, 60)
    async with open_counters(limits) as one, open_counters(limits) as other:
        both = [counters.take([window]) for _ in range(20) for counters in (one, other)]
        waits = await asyncio.gather(*both)
        assert sum(wait == [0] for wait in waits) == 10
        await one.put("x", b"1", 60)
        assert await other.get("x") == b"1"
        await one.add("y", 2, 60)
        assert await other.total("y") == 2


async def test_redis_forgets_by_itself(redis_server: Server) -> None:
    from redis.asyncio import Redis

    async with (
        open_counters(Limits(redis_url=redis_url(redis_server))) as counters,
        Redis.from_url(redis_url(redis_server)) as redis,
    ):
        await redis.flushall()
        await counters.take([Window("a", 1, 1)])
        await counters.add("b", 1, 1)
        await counters.put("c", b"1", 1)
        assert await redis.dbsize() == 3
        await asyncio.sleep(1.2)
        assert await redis.dbsize() == 0
