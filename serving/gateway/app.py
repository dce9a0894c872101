"""The gateway: a FastAPI app that puts the brand's voice in front of an engine."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from fastapi import Depends, FastAPI

from onbrand import __version__
from onbrand.config import Brand, Serving
from serving.api_errors import install_error_handlers
from serving.batches.routes import router as batch_router
from serving.engine.client import connect
from serving.engine.protocol import Engine
from serving.engine.readiness import Readiness
from serving.gateway import chat, feedback, health, scrape
from serving.gateway.admission import Admission
from serving.gateway.batching import batches_of, owner
from serving.gateway.context import Context, unknown_context
from serving.gateway.guard_rails import GuardRails
from serving.gateway.parts import Parts, in_background
from serving.gateway.request_log import RequestLog
from serving.gateway.state import Gateway
from serving.gateway.voice import model_name

# httpx logs each call to the engine at INFO; nothing of ours needs it.
logging.getLogger("httpx").setLevel(logging.WARNING)


def create_app(
    settings: Serving,
    brand: Brand,
    engine: Engine,
    model_hash: str = "",
    *,
    context: Context | None = None,
    parts: AbstractAsyncContextManager[Parts] | None = None,
) -> FastAPI:
    """The gateway's app; from startup on it probes the engine until it answers.

    Args:
        settings: `[serving]`.
        brand: `[brand]`.
        engine: Who generates.
        model_hash: Tells clients which merged model answers; empty when nobody here knows.
        context: How long a conversation may be; None: `serving.context_tokens`, estimated.
        parts: Store, limits and the like; None: none of them.

    `app.state.gateway` (a `Gateway`) exists between startup and shutdown.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            connect(engine, settings.timeout_seconds) as client,
            parts or nullcontext(Parts()) as opened,
        ):
            readiness = Readiness()
            app.state.gateway = Gateway(
                settings,
                brand,
                model_hash,
                client,
                readiness,
                Admission(settings.concurrency, settings.queue),
                context or unknown_context(settings.context_tokens),
                opened,
                int(time.time()),
            )
            opened.metrics.build(__version__, model_name(brand), model_hash)
            work = []
            if opened.workspace and opened.store:
                gateway: Gateway = app.state.gateway
                batches = batches_of(opened.workspace, opened.store.database, gateway)
                app.state.batches = batches
                work.append(batches.run())
            work += [readiness.watch(client), *opened.background()]
            if opened.adapters:
                work.append(opened.adapters.run(client))
            async with in_background(work):
                yield

    # No pages of documentation: they would load scripts from elsewhere.
    app = FastAPI(
        title="Onbrand gateway",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    for router in (chat.router, feedback.router, health.router, scrape.router):
        app.include_router(router)
    app.include_router(batch_router, dependencies=[Depends(owner)])
    files = frozenset({"/v1/files"})
    app.add_middleware(GuardRails, max_body_bytes=settings.max_body_kb * 1000, exempt=files)
    app.add_middleware(RequestLog)
    return app
