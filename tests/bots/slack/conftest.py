"""Fixtures of the tests of the Slack bot."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fake_gateway import FakeGateway
from slack_talk import TOKENS, StartBot, Talk, talking, write_brand
from slack_wire.server import SlackServer, slack_server

from onbrand.workspace import Workspace


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Of tests marked with `pytest.mark.anyio`."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    for name in ("ONBRAND_SLACK_BASE_URL", "ONBRAND_GATEWAY_KEY", "SLACK_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with slack_server() as server:
        server.world.add_channel("C0TEA")
        server.world.add_channel("G0BOARD", "group")
        server.world.add_channel("D0ANA", "im")
        server.world.names |= {"U0ANA": "Ana", "U0BEN": "Ben"}
        yield server


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway().listening() as running:
        yield running


@pytest.fixture
def settings() -> str:
    """Further lines of `[slack]`; a test overrides it by parametrising."""
    return ""


@pytest.fixture
def workspace(tmp_path: Path, slack: SlackServer, gateway: FakeGateway, settings: str) -> Workspace:
    return write_brand(tmp_path, slack, gateway, settings)


@pytest.fixture
def start(workspace: Workspace, slack: SlackServer, gateway: FakeGateway) -> StartBot:
    """Starts the bot, with the ledger that an earlier one left."""
    return lambda: talking(workspace, slack, gateway)


@pytest.fixture
async def talk(start: StartBot) -> AsyncIterator[Talk]:
    async with start() as running:
        yield running
