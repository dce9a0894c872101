"""`/health`, `/ready` and `/metrics` of a bot, for whoever watches over it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bots.metrics import Metrics
from onbrand.errors import OnbrandError


def health_app(metrics: Metrics, not_ready: Callable[[], str]) -> web.Application:
    """The three routes.

    Args:
        metrics: Shown at `/metrics`.
        not_ready: Says why no message can be answered now; "" when one can.
    """

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        reason = not_ready()
        status = {"status": "not ready", "reason": reason} if reason else {"status": "ready"}
        return web.json_response(status, status=503 if reason else 200)

    async def scrape(_: web.Request) -> web.Response:
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_get("/ready", ready)
    app.router.add_get("/metrics", scrape)
    return app


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[None]:
    """The app on an address for as long as the block lasts; port 0: not at all.

    Raises:
        OnbrandError: the address is taken or not ours.
    """
    if not port:
        yield
        return
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise OnbrandError(
                f"The bot's health port cannot be opened at {host}:{port}: {error.strerror}. "
                "Set another health_port in brand.toml, or 0 for none."
            ) from error
        yield
    finally:
        await runner.cleanup()
