"""The gateway: a FastAPI app that puts the brand's voice in front of an engine."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from onbrand import __version__
from onbrand.config import Brand, Serving
from serving.api_errors import install_error_handlers
from serving.engine import Engine
from serving.engine_client import connect
from serving.readiness import Readiness
from serving.request_log import RequestLog
from serving.routes import Gateway, now, router

# httpx logs each call to the engine at INFO; nothing of ours needs it.
logging.getLogger("httpx").setLevel(logging.WARNING)


def create_app(settings: Serving, brand: Brand, engine: Engine, model_hash: str = "") -> FastAPI:
    """The gateway's app; from startup on it probes the engine until it answers.

    `model_hash` tells clients which merged model answers; empty when nobody here knows.
    `app.state.gateway` (a `Gateway`) exists between startup and shutdown.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with connect(engine, settings.timeout_seconds) as client:
            readiness = Readiness()
            app.state.gateway = Gateway(settings, brand, model_hash, client, readiness, now())
            watching = asyncio.create_task(readiness.watch(client))
            yield
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    app = FastAPI(title="Onbrand gateway", version=__version__, lifespan=lifespan)
    install_error_handlers(app)
    app.include_router(router)
    app.add_middleware(RequestLog)
    return app
