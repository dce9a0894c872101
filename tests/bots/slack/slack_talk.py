"""A bot in the test's event loop, between a Slack and a gateway that are in it as well."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fake_gateway import FakeGateway
from slack_wire.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackServer
from slack_wire.workspace import People, eventually
from slack_wire.world import Message

from bots.delivery.ledger import Ledger
from bots.metrics import Metrics
from bots.slack.bot import SlackBot
from bots.streaming.desk import Desk
from bots.streaming.gateway import Gateway
from onbrand.workspace import Workspace

LATER = 30.0
"""Longest wait for what takes a moment, seconds; for machines that are busy."""
TOKENS = {
    "SLACK_BOT_TOKEN": BOT_TOKEN,
    "SLACK_APP_TOKEN": APP_TOKEN,
    "SLACK_SIGNING_SECRET": SIGNING_SECRET,
}
BRAND_TOML = """
[brand]
name = "Saltmarsh"

[bots]
gateway = "{gateway}"
user_per_minute = 0
channel_per_minute = 0
drain_seconds = 5

[slack]
base_url = "{slack}"
health_port = 0
{more}
"""


@dataclass
class Talk:
    """All that a test of the bot needs."""

    slack: SlackServer
    people: People
    gateway: FakeGateway
    bot: SlackBot
    desk: Desk

    async def quiet(self) -> None:
        """Wait until all answers have ended."""
        await eventually(lambda: not self.desk.under_way, LATER)

    async def answer_to(self, said: Message) -> str:
        """What is shown below a message once the answer has ended, without space at its end."""
        world = self.slack.world
        below = said.thread_ts or said.ts
        await eventually(lambda: bool(world.answers(said.channel, below)), LATER)
        await self.quiet()
        return world.shown(said.channel, below).strip()


StartBot = Callable[[], AbstractAsyncContextManager[Talk]]


def write_brand(
    folder: Path, slack: SlackServer, gateway: FakeGateway, more: str = ""
) -> Workspace:
    """A workspace whose bot talks with these two."""
    text = BRAND_TOML.format(gateway=gateway.url, slack=slack.url, more=more)
    (folder / "brand.toml").write_text(text)
    return Workspace(folder)


@asynccontextmanager
async def talking(
    workspace: Workspace, slack: SlackServer, gateway: FakeGateway, patience: float = 5.0
) -> AsyncIterator[Talk]:
    """The bot, started, with the ledger that an earlier one left; drained in the end."""
    folder = workspace.root / "bots"
    folder.mkdir(exist_ok=True)
    client = Gateway(
        gateway.url, "", connections=64, silence_seconds=patience, patience_seconds=patience
    )
    ledger = Ledger(folder / "slack.sqlite")
    desk = Desk(workspace, ledger, client, Metrics("slack"))
    bot = SlackBot(workspace, desk)
    await desk.open(bot.platform)
    await bot.start()
    await desk.recover()
    try:
        yield Talk(slack, People(slack), gateway, bot, desk)
    finally:
        await desk.drain(2)
        await bot.stop()
        await client.close()
        await ledger.close()


def environment(slack: SlackServer) -> dict[str, str]:
    """For a bot in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return kept | TOKENS | {"ONBRAND_SLACK_BASE_URL": slack.url}
