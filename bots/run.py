"""The life of a bot's process: connect, answer, drain, leave."""

import asyncio
import logging
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from filelock import FileLock, Timeout

from bots.delivery.ledger import Ledger
from bots.health import health_app, listening
from bots.metrics import Metrics
from bots.platform import Bot, FrontDesk
from bots.streaming.desk import Desk
from bots.streaming.gateway import Gateway
from onbrand.address import gateway_url
from onbrand.errors import OnbrandError
from onbrand.secrets import secret
from onbrand.workspace import Workspace

BotMaker = Callable[[Workspace, FrontDesk], Bot]
_FORGET_SECONDS = 3600.0
_log = logging.getLogger(__name__)


def run(workspace: Workspace, name: str, make: BotMaker, health_port: int) -> None:
    """Run a bot until SIGTERM, Ctrl-C, or a connection that is closed for good.

    Args:
        workspace: Whose brand speaks; the ledger lies in its folder `bots`.
        name: `slack` or `discord`.
        make: Makes the bot.
        health_port: Of /health, /ready and /metrics; 0: none.

    Raises:
        OnbrandError: it cannot start, or cannot go on.
    """
    folder = workspace.root / "bots"
    folder.mkdir(exist_ok=True)
    try:
        # Two would answer the same questions, and each take the other's for left by a crash.
        with FileLock(folder / f"{name}.lock", timeout=0):
            asyncio.run(_live(workspace, name, make, health_port))
    except Timeout as error:
        raise OnbrandError(
            f"This workspace's {name} bot is running already; stop it first. A second server needs "
            "an app and a workspace of its own."
        ) from error


async def _live(workspace: Workspace, name: str, make: BotMaker, health_port: int) -> None:
    settings = workspace.config.bots
    metrics = Metrics(name)
    gateway = Gateway(
        settings.gateway_url or gateway_url(workspace.config.serving),
        secret("ONBRAND_GATEWAY_KEY"),
        connections=settings.concurrency,
        silence_seconds=settings.silence_seconds,
        patience_seconds=settings.patience_seconds,
    )
    ledger = Ledger(workspace.root / "bots" / f"{name}.sqlite")
    desk = Desk(workspace, ledger, gateway, metrics)
    bot = make(workspace, desk)

    def not_ready() -> str:
        return "" if bot.connected() else f"It is not connected to {name}."

    try:
        async with listening(health_app(metrics, not_ready), settings.health_host, health_port):
            await _serve(bot, desk, ledger, settings.ledger_days, settings.drain_seconds)
    finally:
        await gateway.close()
        await ledger.close()


async def _serve(
    bot: Bot, desk: Desk, ledger: Ledger, ledger_days: int, drain_seconds: float
) -> None:
    """Connect, answer until told to stop, drain, disconnect."""
    await desk.open(bot.platform)
    told = asyncio.create_task(_told_to_stop())
    life = asyncio.create_task(_connect(bot, desk))
    forgetting = asyncio.create_task(_forget(ledger, ledger_days))
    try:
        await asyncio.wait({told, life}, return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            life.result()
            raise OnbrandError("The platform closed the connection for good; start the bot again.")
        _log.info("Told to stop: answers under way have %g s.", drain_seconds)
    finally:
        await desk.drain(drain_seconds)
        for task in (told, life, forgetting):
            task.cancel()
        await asyncio.gather(told, life, forgetting, return_exceptions=True)
        await bot.stop()


async def _connect(bot: Bot, desk: Desk) -> None:
    await bot.start()
    _log.info("Connected.")
    await desk.recover()
    await bot.wait()


async def _told_to_stop() -> None:
    """Return at SIGTERM or Ctrl-C; the second one ends the process as usual."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


async def _forget(ledger: Ledger, days: int) -> None:
    """Keep the ledger from growing for ever."""
    while True:
        try:
            await ledger.forget(datetime.now(UTC) - timedelta(days=days))
        except OnbrandError as error:
            _log.warning("%s", error)
        await asyncio.sleep(_FORGET_SECONDS)
