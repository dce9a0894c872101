"""`onbrand worker`: a Celery worker that asks the lines of batches."""

import asyncio
import logging
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from celery import signals
from celery.exceptions import CPendingDeprecationWarning

from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from serving.batches.asking import over_http
from serving.batches.broker import BROKER_URL, TASK, broker_url, celery_app
from serving.batches.hand import Hand
from serving.logs import set_up_logs
from serving.store.database import StoreUnavailableError, open_database

_log = logging.getLogger("onbrand.batches")


def work(workspace: Workspace) -> None:
    """Ask lines of the workspace's batches until SIGINT or SIGTERM; those under way finish.

    Raises:
        UsageError: no broker is configured, or a URL cannot be right.
        OnbrandError: the store cannot be opened, or the worker failed.
    """
    url = broker_url(workspace)
    if not url:
        raise UsageError(
            f"A worker needs a broker: set batches.broker_url or {BROKER_URL}. Without one the "
            "gateway works on batches by itself."
        )
    set_up_logs(workspace)
    signals.setup_logging.connect(_log_as_we_do, weak=False)
    with _hand_in_thread(workspace) as (hand, loop):
        app = celery_app(url)

        @app.task(name=TASK)
        def ask() -> None:
            # The message is a chance to work, no more: what is not done now is offered again.
            with suppress(StoreUnavailableError):
                asyncio.run_coroutine_threadsafe(hand.take(), loop).result()

        # Threads, since all of them only wait for the gateway.
        worker = app.Worker(
            pool="threads", concurrency=workspace.config.batches.concurrency, quiet=True
        )
        _log.info("Waiting for batches.")
        worker.start()
    if worker.exitcode:
        raise OnbrandError(f"The Celery worker failed (exit code {worker.exitcode}).")


def _log_as_we_do(**_: object) -> None:
    """Have Celery's warnings where ours are; that the broker is away needs no traceback."""
    celery = logging.getLogger("celery")
    celery.handlers, celery.propagate = logging.getLogger("onbrand").handlers, False
    celery.setLevel(logging.WARNING)
    logging.getLogger("celery.worker.consumer.consumer").addFilter(_without_traceback)
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True


@contextmanager
def _hand_in_thread(workspace: Workspace) -> Iterator[tuple[Hand, asyncio.AbstractEventLoop]]:
    """A hand in an event loop of its own; Celery's threads know nothing of asyncio."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        opened = _open_hand(workspace)
        hand = runner.run(opened.__aenter__())
        thread = threading.Thread(target=loop.run_forever, name="batches", daemon=True)
        thread.start()
        try:
            yield hand, loop
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            runner.run(opened.__aexit__(*sys.exc_info()))


@asynccontextmanager
async def _open_hand(workspace: Workspace) -> AsyncIterator[Hand]:
    async with open_database(workspace) as database, over_http(workspace) as answer:
        hand = Hand(database, answer)
        watching = asyncio.create_task(hand.watch())
        try:
            yield hand
        finally:
            watching.cancel()
