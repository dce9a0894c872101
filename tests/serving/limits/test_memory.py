"""Counters in memory, by a clock that a test moves."""

import asyncio
from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from serving.limits.counters import Window
from serving.limits.memory import _MOST_BYTES, _MOST_NAMES, MemoryCounters

SECOND = 10**9


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


pauses = st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=60)


@given(limit=st.integers(1, 5), seconds=st.integers(1, 5), pauses=pauses)
def test_never_more_than_the_limit_in_any_window(
    limit: int, seconds: int, pauses: list[int]
) -> None:
    async def scenario() -> None:
        clock, accepted = Clock(), list[int]()
        counters, window = MemoryCounters(clock), Window("x", limit, seconds)
        for pause in pauses:
            clock.now += pause
            (wait,) = await counters.take([window])
            assert 0 <= wait <= seconds
            if wait == 0:
                accepted.append(clock.now)
            # Nobody is refused while there is room.
            since = bisect_left(accepted, clock.now - seconds * SECOND + 1)
            assert (wait == 0) or len(accepted) - since == limit
        for first, beyond in zip(accepted, accepted[limit:], strict=False):
            assert beyond - first >= seconds * SECOND

    asyncio.run(scenario())


@given(
    limits=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=3),
    pauses=pauses,
)
def test_whoever_waits_as_long_as_told_is_let_in(
    limits: list[tuple[int, int]], pauses: list[int]
) -> None:
    async def scenario() -> None:
        clock = Clock()
        counters = MemoryCounters(clock)
        windows = [Window(str(n), *limit) for n, limit in enumerate(limits)]
        for pause in pauses:
            clock.now += pause
            waits = await counters.take(windows)
            if any(waits):
                assert max(waits) <= max(seconds for _, seconds in limits)
                clock.now += round(max(waits) * SECOND) - 1
                assert any(await counters.take(windows))  # and no earlier
                clock.now += 1
                assert not any(await counters.take(windows))

    asyncio.run(scenario())


def test_memory_is_bounded_by_names_and_by_bytes() -> None:
    async def scenario() -> None:
        clock = Clock()
        counters = MemoryCounters(clock)
        for number in range(_MOST_NAMES + 500):
            clock.now += 1
            await counters.take([Window(f"user {number}", 5, 86_400)])
        assert len(counters._taken) == _MOST_NAMES
        for number in range(40):
            await counters.put(str(number), bytes(2**20), 60)
        assert len(counters._values) == _MOST_BYTES // 2**20
        assert await counters.get("39") is not None

    asyncio.run(scenario())


def test_what_has_expired_is_forgotten_in_passing() -> None:
    async def scenario() -> None:
        clock = Clock()
        counters = MemoryCounters(clock)
        for number in range(1000):
            await counters.take([Window(f"user {number}", 5, 60)])
            await counters.take([Window(f"day {number}", 5, 86_400)])
        clock.now += 61 * SECOND
        for _ in range(2000):
            await counters.take([Window("one", 5000, 60)])
        assert len(counters._taken) == 1001

    asyncio.run(scenario())
