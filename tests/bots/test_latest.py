import asyncio
import logging

import pytest
from desk_harness import until

from bots.streaming.latest import Latest
from onbrand.errors import OnbrandError

pytestmark = pytest.mark.anyio


class Canvas:
    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.at: list[float] = []
        self.busy = False
        self.open = asyncio.Event()
        self.open.set()
        self.fails = 0

    async def draw(self, text: str) -> None:
        assert not self.busy, "one at a time"
        self.busy = True
        self.at.append(asyncio.get_running_loop().time())
        await self.open.wait()
        self.busy = False
        if self.fails:
            self.fails -= 1
            raise OnbrandError("not now")
        self.drawn.append(text)


async def test_the_first_is_drawn_at_once_and_the_newest_wins() -> None:
    canvas = Canvas()
    latest = Latest(canvas.draw, 0.05)
    for number in range(100):
        latest.show("x" * number)
        await asyncio.sleep(0.001)
    await until(lambda: canvas.drawn[-1:] == ["x" * 99])
    await latest.close()
    assert canvas.drawn[0] in ("", "x")
    assert len(canvas.drawn) < 50
    gaps = [after - before for before, after in zip(canvas.at, canvas.at[1:], strict=False)]
    assert min(gaps) > 0.045


async def test_showing_never_waits_and_closing_waits_for_what_is_under_way() -> None:
    canvas = Canvas()
    canvas.open.clear()
    latest = Latest(canvas.draw, 0.0)
    latest.show("one")
    await until(lambda: canvas.busy)
    latest.show("two")
    closing = asyncio.create_task(latest.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    canvas.open.set()
    await closing
    assert canvas.drawn == ["one"]
    latest.show("three")
    await asyncio.sleep(0.01)
    assert canvas.drawn == ["one"]


async def test_closing_does_not_wait_for_the_pace() -> None:
    canvas = Canvas()
    latest = Latest(canvas.draw, 3600)
    latest.show("one")
    await until(lambda: canvas.drawn == ["one"])
    latest.show("two")
    await asyncio.wait_for(latest.close(), 5)


async def test_a_failure_is_told_to_the_log_and_the_next_text_is_drawn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    canvas = Canvas()
    canvas.fails = 1
    latest = Latest(canvas.draw, 0.0)
    with caplog.at_level(logging.WARNING):
        latest.show("one")
        await until(lambda: canvas.fails == 0)
        latest.show("two")
        await until(lambda: canvas.drawn == ["two"])
    await latest.close()
    assert "could not be shown yet: not now" in caplog.text


async def test_nothing_shown_nothing_drawn() -> None:
    canvas = Canvas()
    await Latest(canvas.draw, 1).close()
    assert canvas.drawn == []
