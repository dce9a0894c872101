import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.streaming.lanes import Lanes


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 3))))
def test_a_lane_is_passed_in_order_by_one_at_a_time(work: list[tuple[str, bool, int]]) -> None:
    """Each: lane, whether it gives up before it is called, and how long it takes."""
    asyncio.run(_passed_in_order(work))


async def _passed_in_order(work: list[tuple[str, bool, int]]) -> None:
    lanes = Lanes()
    inside: dict[str, int] = {}
    passed: dict[str, list[int]] = {}

    async def one(number: int, lane: str, gives_up: bool, steps: int) -> None:
        ticket = lanes.ticket(lane)
        if gives_up:
            ticket.leave()
            return
        await ticket.called()
        inside[lane] = inside.get(lane, 0) + 1
        assert inside[lane] == 1
        passed.setdefault(lane, []).append(number)
        for _ in range(steps):
            await asyncio.sleep(0)
        inside[lane] -= 1
        ticket.leave()
        ticket.leave()

    await asyncio.gather(*(one(number, *item) for number, item in enumerate(work)))
    for numbers in passed.values():
        assert numbers == sorted(numbers)
    assert sum(map(len, passed.values())) == sum(not gives_up for _, gives_up, _ in work)
    assert len(lanes) == 0


@pytest.mark.anyio
async def test_lanes_do_not_wait_for_each_other() -> None:
    lanes = Lanes()
    slow = lanes.ticket("a")
    await asyncio.wait_for(lanes.ticket("b").called(), 1)
    behind = lanes.ticket("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(behind.called(), 0.01)
    slow.leave()
    await asyncio.wait_for(behind.called(), 1)
