"""Many conversations at once: nothing lost, order kept, memory flat, the ledger quick."""

import asyncio
import gc
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from desk_harness import Bench, bench, until
from fake_gateway import FakeGateway
from fake_platform import DM, FakePlatform, question

from bots.platform import Ending
from bots.question import Question

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def asked(number: int, conversations: int) -> Question:
    talk = number % conversations
    return question(number, place=replace(DM, channel=f"D{talk}"), by=f"U{talk}")


async def answer(b: Bench, numbers: range, conversations: int) -> list[float]:
    """Ask them all, and wait for all answers; the seconds that each `receive` took.

    They are the processor's: what others do on the same machine does not count.
    """

    async def ask(number: int) -> float:
        started = time.process_time()
        assert (await b.desk.receive(asked(number, conversations))).accepted
        return time.process_time() - started

    seconds = []
    for first in range(numbers.start, numbers.stop, conversations):
        together = range(first, min(first + conversations, numbers.stop))
        seconds += await asyncio.gather(*(ask(number) for number in together))
    await until(lambda: not b.desk.under_way, 300)
    return seconds


async def test_a_thousand_messages_over_200_conversations(tmp_path: Path) -> None:
    platform = FakePlatform()
    async with bench(tmp_path, platform) as b:
        started = time.monotonic()
        await answer(b, range(1000), 200)
        seconds = time.monotonic() - started
    # 3 s of one core.
    assert seconds < 180
    order: dict[int, list[int]] = {}
    for post in platform.posts:
        number = int(post.answer_id[1:].partition("#")[0])
        assert post.text == f"You said: question {number} ."
        assert post.final is not None
        assert post.final.ending is Ending.COMPLETE
        order.setdefault(number % 200, []).append(number)
    assert order == {talk: list(range(talk, 1000, 200)) for talk in range(200)}


async def test_memory_stays_flat(tmp_path: Path) -> None:
    platform = FakePlatform()
    async with bench(tmp_path, platform) as b:
        sizes = []
        for turn in range(4):
            await answer(b, range(turn * 150, turn * 150 + 150), 50)
            platform.posts.clear()
            platform.signs.clear()
            b.gateway.bodies.clear()
            b.gateway.headers.clear()
            gc.collect()
            if turn == 0:
                tracemalloc.start()
            sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    # What one message leaves behind, in bytes; a question and its answer would be thousands.
    assert (sizes[-1] - sizes[1]) / 300 < 1000


async def test_receiving_is_quick_while_50_conversations_are_answered(tmp_path: Path) -> None:
    gateway = FakeGateway(pieces=lambda said: [f"{said} "] * 50, pause=0.01)
    async with bench(tmp_path, gateway=gateway) as b:
        seconds = sorted(await answer(b, range(200), 50))
    # 0.07 on the machine this was written on, and there is the gateway in the same process.
    assert seconds[int(len(seconds) * 0.99)] < 0.3
