"""A desk on a fake platform and a fake gateway, for as long as a block lasts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fake_gateway import FakeGateway
from fake_platform import FakePlatform

from bots.delivery.ledger import Ledger
from bots.metrics import Metrics
from bots.streaming.desk import Desk
from bots.streaming.gateway import Gateway
from onbrand.workspace import Workspace

PATIENT = "[bots]\nuser_per_minute = 0\nchannel_per_minute = 0\n"
"""No limits on floods."""


@dataclass
class Bench:
    desk: Desk
    platform: FakePlatform
    gateway: FakeGateway
    ledger: Ledger

    async def ended(self, question_id: str, attempt: int = 1) -> None:
        await until(lambda: self.platform.final(question_id, attempt) is not None)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await until(lambda: not self.desk.under_way)


@asynccontextmanager
async def bench(
    folder: Path,
    platform: FakePlatform | None = None,
    gateway: FakeGateway | None = None,
    settings: str = PATIENT,
    *,
    silence_seconds: float = 60.0,
    patience_seconds: float = 0.0,
    recover: bool = True,
) -> AsyncIterator[Bench]:
    """A run of the bot; the next one with the same folder is the next start.

    It ends as a crash does: nothing is drained.
    """
    (folder / "brand.toml").write_text(settings, encoding="utf-8")
    workspace = Workspace(folder)
    platform = platform or FakePlatform()
    async with (gateway or FakeGateway()).listening() as served:
        ledger = Ledger(folder / "ledger.sqlite")
        client = Gateway(
            served.url,
            "the-key",
            connections=workspace.config.bots.concurrency,
            silence_seconds=silence_seconds,
            patience_seconds=patience_seconds,
        )
        desk = Desk(workspace, ledger, client, Metrics("fake"))
        await desk.open(platform)
        if recover:
            await desk.recover()
        try:
            yield Bench(desk, platform, served, ledger)
        finally:
            await desk.abandon()
            await client.close()
            await ledger.close()


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
