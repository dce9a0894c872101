"""The life of a bot's process: health, metrics, SIGTERM, and a second one of the same."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import crashing_bot
import httpx
import pytest
from fake_gateway import FakeGateway

from bots.platform import Ending
from gateway_harness import free_port

pytestmark = pytest.mark.anyio
_HERE = Path(__file__).parent
_PATHS = os.pathsep.join(map(str, (*_HERE.parents[:2][::-1], _HERE)))


@asynccontextmanager
async def bot(
    folder: Path, gateway: str, port: int = 0, fate: str = "lives"
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_HERE / "fake_bot.py"),
        *(str(folder), str(port), gateway, fate),
        env={**os.environ, "PYTHONPATH": _PATHS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said(url: str) -> httpx.Response:
    """What the health port says, once it listens."""
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                return await client.get(url)
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


async def ready(port: int) -> None:
    async with asyncio.timeout(60):
        while (await said(f"http://127.0.0.1:{port}/ready")).status_code != 200:
            await asyncio.sleep(0.05)


def shown(folder: Path) -> str:
    return "".join(post.text for post in crashing_bot.read_posts(folder))


async def test_health_metrics_and_an_end_on_sigterm(tmp_path: Path) -> None:
    endless = FakeGateway(pieces=lambda _: ["word "] * 100_000, pause=0.01)
    port = free_port()
    async with endless.listening() as served, bot(tmp_path, served.url, port) as process:
        await ready(port)
        assert (await said(f"http://127.0.0.1:{port}/health")).status_code == 200
        async with asyncio.timeout(60):
            while len(crashing_bot.read_posts(tmp_path)) < 3:
                await asyncio.sleep(0.05)
        metrics = (await said(f"http://127.0.0.1:{port}/metrics")).text
        assert 'onbrand_bot_messages_total{outcome="answered",platform="fake"} 3.0' in metrics
        assert 'onbrand_bot_answers_under_way{platform="fake"} 3.0' in metrics
        assert "q1" not in metrics

        async with bot(tmp_path, served.url) as second:
            output, _ = await second.communicate()
            assert second.returncode == 1
            assert b"running already" in output

        process.send_signal(signal.SIGTERM)
        output, log = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, log
    assert b"stopped" in output
    finals = [post.final for post in crashing_bot.read_posts(tmp_path) if post.final]
    assert [final.ending for final in finals] == [Ending.INTERRUPTED] * 3
    # Nothing of what was said is in the log.
    for word in (b"question", b"word "):
        assert word not in log


@pytest.mark.parametrize(
    ("fate", "sentence"),
    [("fails", "The token was refused; make a new one."), ("closes", "for good; start the bot")],
)
async def test_a_bot_that_cannot_go_on(tmp_path: Path, fate: str, sentence: str) -> None:
    async with FakeGateway().listening() as served, bot(tmp_path, served.url, 0, fate) as process:
        output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 1
    assert sentence in output.decode()
    assert output.decode().count("stopped") == 1


async def test_a_health_port_that_is_taken(tmp_path: Path) -> None:
    async with FakeGateway().listening() as served:
        port = int(served.url.rpartition(":")[2])
        async with bot(tmp_path, served.url, port) as process:
            output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 1
    assert f"health port cannot be opened at 127.0.0.1:{port}" in output.decode()
