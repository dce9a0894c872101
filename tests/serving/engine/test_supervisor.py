"""An engine that dies, hangs or fails is started again; one that is only busy is not."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_harness import MisbehavingEngine, running
from serving.engine.client import EngineClient, EngineError, connect
from serving.engine.local import LocalEngine
from serving.engine.protocol import Engine, RemoteEngine
from serving.engine.readiness import Readiness
from serving.engine.supervisor import Patience, Supervisor
from tests.serving.engine.local_fake import local_fake

QUICK = Patience(pause=0.05, quiet=0.3, first_delay=0.1)
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8}


@asynccontextmanager
async def watched(
    engine: Engine, timeout_seconds: float = 10, patience: Patience = QUICK
) -> AsyncIterator[tuple[EngineClient, Readiness]]:
    readiness = Readiness()
    async with connect(engine, timeout_seconds) as client:
        watching = asyncio.create_task(Supervisor(client, readiness, patience).run())
        yield client, readiness
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def until(holds: Callable[[], bool], seconds: float = 30) -> float:
    """Seconds it took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds
        await asyncio.sleep(0.01)
    return time.monotonic() - started


async def text_of(client: EngineClient) -> str:
    return "".join([delta.text async for delta in client.stream(ASKED)])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., LocalEngine]]:
    started: list[LocalEngine] = []

    def fake(*modes: str) -> LocalEngine:
        started.append(local_fake(tmp_path, *modes))
        started[-1].start()
        return started[-1]

    yield fake
    for engine in started:
        engine._process.close()


Start = Callable[..., LocalEngine]


def test_a_killed_engine_comes_back(start: Start) -> None:
    async def scenario() -> None:
        engine = start("well")
        async with watched(engine) as (client, readiness):
            assert readiness.state == "starting"
            await until(lambda: readiness.state == "ready")
            os.kill(engine.pid, signal.SIGKILL)
            await until(lambda: readiness.state == "restarting", 1)
            assert "was ended by SIGKILL" in (readiness.reason or "")
            seconds = await until(lambda: readiness.state == "ready")
            print(f"recovered {seconds:.2f} s after it was seen to be dead")
            assert readiness.restarts == 1
            assert (await text_of(client)).startswith("Salt")

    asyncio.run(scenario())


def test_killed_in_the_middle_of_an_answer(start: Start) -> None:
    async def scenario() -> None:
        engine = start("endless", "well")
        began = time.monotonic()
        async with watched(engine) as (client, readiness):
            await until(
                lambda: client.heard_at > began + 0.1
            )  # the probe, which does not end either
            stream = client.stream(ASKED)
            await anext(stream)
            os.kill(engine.pid, signal.SIGKILL)
            with pytest.raises(EngineError):
                async for _ in stream:
                    pass
            await until(lambda: readiness.restarts == 1 and readiness.state == "ready")
            assert (await text_of(client)).startswith("Salt")

    asyncio.run(scenario())


def test_an_engine_that_stalls_without_closing(start: Start) -> None:
    async def scenario() -> None:
        engine = start("well")
        async with watched(engine, timeout_seconds=1) as (client, readiness):
            await until(lambda: readiness.state == "ready")
            os.killpg(engine.pid, signal.SIGSTOP)
            await until(lambda: readiness.state == "restarting")
            assert readiness.reason == "The engine did not generate one token in 1 seconds."
            await until(lambda: readiness.state == "ready")
            assert (await text_of(client)).startswith("Salt")

    asyncio.run(scenario())


@pytest.mark.parametrize(("mode", "says"), [("500", "status 500"), ("html", "not OpenAI's format")])
def test_an_engine_that_runs_and_only_fails(start: Start, mode: str, says: str) -> None:
    async def scenario() -> None:
        async with watched(start(mode, "well")) as (_, readiness):
            await until(lambda: says in (readiness.reason or ""))
            await until(lambda: readiness.state == "ready")
            assert readiness.restarts == 1

    asyncio.run(scenario())


def test_an_engine_that_never_comes_up_is_given_up(start: Start, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with watched(start("broken")) as (_, readiness):
            await until(lambda: readiness.hopeless)
            assert readiness.state == "down"
            assert "left with code 1 (OSError: no weights)" in (readiness.reason or "")

    asyncio.run(scenario())
    assert (tmp_path / "starts").read_text() == str(QUICK.failed_starts)


def test_one_that_was_ready_is_never_given_up(start: Start, tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = start("well", *["broken"] * 4, "well")
        async with watched(engine) as (_, readiness):
            await until(lambda: readiness.state == "ready")
            os.kill(engine.pid, signal.SIGKILL)
            await until(lambda: readiness.restarts == 5 and readiness.state == "ready", 60)

    asyncio.run(scenario())


class Watched(LocalEngine):
    """One of ours that is never really started or stopped."""

    stopped = 0

    def __init__(self, base_url: str) -> None:
        self.model, self.base_url = "first-model", base_url

    def failure(self) -> None:
        return None

    def bound_log(self) -> None:
        pass

    def progress(self) -> str:
        return ""

    def stop(self) -> None:
        self.stopped += 1

    def start(self) -> None:
        pass


def test_a_busy_engine_is_not_killed() -> None:
    """It works on one answer at a time, so that probes wait far longer than they may."""

    async def scenario(url: str, fake: MisbehavingEngine) -> None:
        engine = Watched(f"{url}/v1")
        patience = Patience(pause=0.05, quiet=0.01, first_delay=0.1)
        async with watched(engine, timeout_seconds=0.5, patience=patience) as (client, readiness):
            await until(lambda: readiness.state == "ready")
            fake.words, fake.pause = ["on"] * 500, 0.05
            stream = client.stream(ASKED)
            await anext(stream)
            await anext(stream)
            fake.mode = "hang"
            busy_until = time.monotonic() + 3
            while time.monotonic() < busy_until:
                await anext(stream)
            assert engine.stopped == 0
            assert readiness.state == "ready"
            await stream.aclose()
            await until(lambda: engine.stopped == 1, 5)

    fake = MisbehavingEngine()
    with running(fake.app()) as url:
        asyncio.run(scenario(url, fake))


@pytest.mark.parametrize("mode", ["429", "503"])
def test_an_engine_that_says_it_is_busy_stays_what_it_was(mode: str) -> None:
    async def scenario(url: str, fake: MisbehavingEngine) -> None:
        engine = Watched(f"{url}/v1")
        patience = Patience(pause=0.05, quiet=0.01, first_delay=0.1)
        async with watched(engine, patience=patience) as (_, readiness):
            await until(lambda: mode in (readiness.reason or ""))
            assert readiness.state == "starting"
            fake.mode = "well"
            await until(lambda: readiness.state == "ready")
            fake.mode = mode
            fake.seen.clear()
            await until(lambda: len(fake.seen) == 4)  # more than the failures that are too many
            assert readiness.state == "ready"
            assert engine.stopped == 0
            fake.mode = "500"
            await until(lambda: engine.stopped == 1)

    fake = MisbehavingEngine(mode, retry_after="1")
    with running(fake.app()) as url:
        began = time.monotonic()
        asyncio.run(scenario(url, fake))
        assert time.monotonic() - began > 4  # it was not asked before the time it named


def test_an_engine_elsewhere_is_asked_but_not_started() -> None:
    async def scenario(url: str, fake: MisbehavingEngine) -> None:
        async with watched(RemoteEngine(f"{url}/v1"), timeout_seconds=1) as (_, readiness):
            assert readiness.state == "starting"
            await until(lambda: readiness.state == "ready")
            for mode in ("500", "hang", "cut", "401"):
                fake.mode = mode
                await until(lambda: readiness.state == "down")
                fake.mode = "well"
                await until(lambda: readiness.state == "ready")
            assert readiness.restarts == 0

    fake = MisbehavingEngine()
    with running(fake.app()) as url:
        asyncio.run(scenario(url, fake))


def test_a_wrong_key_is_hopeless_at_once() -> None:
    async def scenario(url: str) -> None:
        async with watched(RemoteEngine(f"{url}/v1")) as (_, readiness):
            await until(lambda: readiness.hopeless, 5)
            assert readiness.state == "down"

    with running(MisbehavingEngine("401").app()) as url:
        asyncio.run(scenario(url))


@given(st.integers(1, 10_000))
def test_the_delay_grows_up_to_its_cap(starts: int) -> None:
    patience = Patience()
    assert 0 < patience.delay(starts) <= patience.delay(starts + 1) <= 30
    assert patience.delay(1) == 0.5
    assert patience.delay(8) == 30
