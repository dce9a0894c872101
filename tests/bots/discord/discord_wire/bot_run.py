"""The real bot of the tests: the real desk, ledger and discord.py, in the test's event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bots.delivery.ledger import Ledger
from bots.discord.bot import DiscordBot
from bots.discord.drawing import without_notes
from bots.metrics import Metrics
from bots.streaming.desk import Desk
from bots.streaming.gateway import Gateway
from discord_wire.server import DiscordServer
from discord_wire.world import Json
from onbrand.workspace import Workspace


@dataclass
class RunningBot:
    bot: DiscordBot
    desk: Desk


@dataclass
class Runner:
    """Starts bots over one workspace; a second one goes on where the first one left off."""

    server: DiscordServer
    gateway_url: str
    root: Path

    def workspace(self, bots: str = "", **discord: str) -> Workspace:
        """Its `brand.toml`; `discord`: keys of [discord] as TOML writes their values."""
        settings = {"base_url": f'"{self.server.rest_url}"', **discord}
        lines = "\n".join(f"{key} = {value}" for key, value in settings.items())
        (self.root / "brand.toml").write_text(
            f'[brand]\nname = "Saltmarsh"\n[bots]\ngateway = "{self.gateway_url}"\n'
            f"user_per_minute = 0\nchannel_per_minute = 0\n{bots}\n[discord]\n{lines}\n"
        )
        return Workspace(self.root)

    @asynccontextmanager
    async def bot(
        self, bots: str = "", drain: float = 10.0, **discord: str
    ) -> AsyncIterator[RunningBot]:
        """Connected and recovered; drained at the end."""
        workspace = self.workspace(bots, **discord)
        settings = workspace.config.bots
        metrics = Metrics("discord")
        ledger = Ledger(self.root / "bots" / "discord.sqlite")
        gateway = Gateway(
            self.gateway_url,
            "",
            connections=settings.concurrency,
            silence_seconds=settings.silence_seconds,
            patience_seconds=settings.patience_seconds,
        )
        desk = Desk(workspace, ledger, gateway, metrics)
        bot = DiscordBot(workspace, desk)
        await desk.open(bot.platform)
        try:
            await bot.start()
            await desk.recover()
            yield RunningBot(bot, desk)
        finally:
            await desk.drain(drain)
            await bot.stop()
            await gateway.close()
            await ledger.close()


def answer_text(messages: list[Json]) -> str:
    """What the messages say of the answer, one after the other."""
    return "".join(without_notes(each["content"]) for each in messages)


def finished(messages: list[Json]) -> bool:
    """Whether they are there and none has a stop button."""
    return bool(messages) and "Stop" not in {label for each in messages for label in labels(each)}


def responded(command: Json) -> bool:
    """Whether a command's response is there, and at its end."""
    original = command["original"]
    return original is not None and bool(original["content"]) and finished([original])


def labels(message: Json) -> list[str]:
    """Of the buttons below it."""
    return [each["label"] for row in message["components"] for each in row["components"]]
