"""Fixtures of the Discord tests: a local Discord, a fake gateway, and the real bot between them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from discord_wire.bot_run import Runner
from discord_wire.server import TOKEN, DiscordServer, discord_server
from fake_gateway import FakeGateway


@pytest.fixture
def server() -> Iterator[DiscordServer]:
    with discord_server() as server:
        yield server


@pytest.fixture
async def engine() -> AsyncIterator[FakeGateway]:
    """In place of the gateway in front of the engine."""
    async with FakeGateway().listening() as gateway:
        yield gateway


@pytest.fixture
def runner(
    server: DiscordServer, engine: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Runner:
    """Starts the bot: `async with runner.bot(threads="true") as bot`."""
    monkeypatch.setattr("bots.discord.client._GUILDS_SECONDS", 0.2)  # a second in each test adds up
    monkeypatch.setenv("DISCORD_BOT_TOKEN", TOKEN)
    for name in ("ONBRAND_DISCORD_BASE_URL", "ONBRAND_DISCORD_GATEWAY_URL"):
        monkeypatch.delenv(name, raising=False)
    return Runner(server, engine.url, tmp_path)
