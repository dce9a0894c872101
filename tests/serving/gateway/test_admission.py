import asyncio
import random
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api_errors import ApiError
from serving.gateway.admission import Admission

pytestmark = pytest.mark.anyio
GIVEN_UP = (ApiError, RuntimeError, asyncio.CancelledError)


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


async def test_waiting_requests_get_their_places_in_order() -> None:
    admission = Admission(1, 10)
    order: list[int] = []

    async def ask(number: int) -> None:
        async with admission.place(soon()):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(ask(number) for number in range(10)))

    assert order == list(range(10))


async def test_a_full_queue_says_when_to_come_back() -> None:
    admission = Admission(1, 1)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(admission.place(soon()))
        waiting = asyncio.create_task(stack.enter_async_context(admission.place(soon())))
        await asyncio.sleep(0)
        with pytest.raises(ApiError, match="1 requests wait already") as refused:
            await admission._enter(soon())
        waiting.cancel()

    assert refused.value.status == 503
    assert int(refused.value.response().headers["Retry-After"]) >= 1


async def test_nobody_waits_beyond_the_deadline() -> None:
    admission = Admission(1, 1)
    async with admission.place(soon()):
        now = asyncio.get_running_loop().time()
        with pytest.raises(ApiError) as refused:
            await admission._enter(now + 0.02)
        assert asyncio.get_running_loop().time() - now < 1
        assert admission.waiting == 0

    assert refused.value.code == "queue_timeout"


async def test_one_is_told_that_it_waited_in_vain_while_another_leaves() -> None:
    admission = Admission(1, 1)
    async with admission.place(soon()):
        waiting = asyncio.create_task(admission._enter(asyncio.get_running_loop().time()))
        await asyncio.sleep(0)  # it waits; its deadline is over
        await asyncio.sleep(0)  # its turn is cancelled, which it hears in the next round
    with pytest.raises(ApiError) as refused:
        await waiting

    assert refused.value.code == "queue_timeout"
    assert (admission.running, admission.waiting) == (0, 0)


async def test_one_who_goes_while_another_leaves_is_cancelled_and_no_more() -> None:
    admission = Admission(1, 1)
    async with admission.place(soon()):
        waiting = asyncio.create_task(admission._enter(soon()))
        await asyncio.sleep(0)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert (admission.running, admission.waiting) == (0, 0)


async def test_a_drain_lets_those_who_wait_finish_and_takes_nobody_else() -> None:
    admission = Admission(1, 1)
    done: list[str] = []

    async def ask(name: str) -> None:
        async with admission.place(soon()):
            await asyncio.sleep(0.01)
            done.append(name)

    running, waiting = asyncio.create_task(ask("running")), asyncio.create_task(ask("waiting"))
    await asyncio.sleep(0)
    admission.draining = True
    with pytest.raises(ApiError, match="shutting down"):
        await ask("late")
    await admission.until_idle()
    await asyncio.gather(running, waiting)

    assert done == ["running", "waiting"]


@given(st.integers(1, 4), st.integers(0, 4), st.integers(0, 2**32))
def test_no_place_is_lost_or_given_twice(concurrency: int, queue: int, seed: int) -> None:
    """Requests that finish, fail, give up or are cancelled at any moment."""
    chance = random.Random(seed)
    most = 0

    async def run() -> None:
        nonlocal most
        admission = Admission(concurrency, queue)

        async def ask() -> None:
            nonlocal most
            now = asyncio.get_running_loop().time()
            async with admission.place(now + chance.choice([0, 0.0005, 5])):
                most = max(most, admission.running)
                assert admission.waiting <= queue
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
                if chance.random() < 0.2:
                    raise RuntimeError

        tasks = []
        for _ in range(30):
            tasks.append(asyncio.create_task(ask()))
            if chance.random() < 0.3:
                chance.choice(tasks).cancel()
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice([0, 0.0005]))
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or type(result) in GIVEN_UP, repr(result)
        async with asyncio.timeout(1):
            await admission.until_idle()
        assert (admission.running, admission.waiting) == (0, 0)

    asyncio.run(run())

    assert most <= concurrency
