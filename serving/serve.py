"""`onbrand serve`: the engine, the gateway in front of it, and an orderly end of both."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI
from rich.markup import escape

from onbrand.address import gateway_url
from onbrand.config import Serving
from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.workspace import CONFIG_NAME, Workspace
from serving.engine.configured import configured_engine
from serving.gateway.app import create_app
from serving.gateway.context import Context, context_of, unknown_context
from serving.gateway.parts import open_parts
from serving.gateway.state import Gateway
from serving.logs import set_up_logs
from serving.merged_model import check_merged
from serving.tracing import traced

_LAST_BYTES_SECONDS = 5
"""For sending what finished answers still have in their buffers."""


def serve(
    workspace: Workspace,
    *,
    force: bool = False,
    end_with_stdin: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the workspace's model until SIGINT or SIGTERM.

    Args:
        workspace: Its `[serving]` and `[brand]` sections say what is served where.
        force: Serve a merged model that is not known to be the trained one.
        end_with_stdin: Stop, too, when standard input ends; a process that holds the other end of
            that pipe takes the gateway with it, whatever ends that process.
        on_ready: Called once with the gateway's URL, when the engine has generated a token.

    Raises:
        UsageError: `engine = "remote"` without `engine_url`.
        OnbrandError: nothing merged, or not verified, address in use, or the engine never came up.
    """
    settings = workspace.config.serving
    model_hash = "" if settings.engine == "remote" else check_merged(workspace, force)
    set_up_logs(workspace)
    with (
        _listen(settings) as listener,
        configured_engine(workspace) as engine,
        _stop_signals() as stop,
    ):
        if end_with_stdin:
            threading.Thread(target=_stop_at_end_of_stdin, args=[stop], daemon=True).start()
        app = create_app(
            settings,
            workspace.config.brand,
            engine,
            model_hash,
            context=_context(workspace),
            parts=open_parts(workspace),
        )
        ready = on_ready or (lambda url: notes.print(f"Ready at {url}"))
        with traced(app):
            asyncio.run(_run(app, listener, settings, stop, lambda: ready(gateway_url(settings))))


def _context(workspace: Workspace) -> Context:
    """Of the model that is served here, or as configured for an engine elsewhere."""
    settings = workspace.config.serving
    if settings.engine == "remote":
        return unknown_context(settings.context_tokens)
    return context_of(workspace.merged, settings.context_tokens)


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals alone: they begin a drain, which it knows nothing of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _run(
    app: FastAPI,
    listener: socket.socket,
    settings: Serving,
    stop: threading.Event,
    ready: Callable[[], None],
) -> None:
    """Run the gateway until it is asked to stop, or the engine turns out to be hopeless."""
    async with AsyncExitStack() as opened:
        if not await _open(app, opened, stop):
            return
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_BYTES_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        failure = None
        try:
            failure = await _until_ready(app, serving, stop)
            if not (serving.done() or stop.is_set() or failure):
                ready()
            while not (serving.done() or stop.is_set() or failure):
                await asyncio.sleep(0.1)
            if not (serving.done() or failure):
                await _drain(app, settings.drain_seconds)
        finally:
            server.should_exit = True
            await serving
        if failure:
            raise OnbrandError(failure)


async def _open(app: FastAPI, opened: AsyncExitStack, stop: threading.Event) -> bool:
    """Open the app's parts; False: it was asked to stop meanwhile.

    Not left to uvicorn, which ends the process with a traceback where a store, say, cannot be
    reached.
    """
    try:
        async with asyncio.timeout(None) as patience:
            watching = asyncio.create_task(_end_with(stop, patience))
            await opened.enter_async_context(app.router.lifespan_context(app))
            watching.cancel()
    except TimeoutError:
        if not stop.is_set():
            raise
        return False
    return True


async def _end_with(stop: threading.Event, patience: asyncio.Timeout) -> None:
    """End what waits within `patience` once it is asked to stop."""
    while not stop.is_set():
        await asyncio.sleep(0.1)
    patience.reschedule(0)


async def _until_ready(
    app: FastAPI, serving: "asyncio.Task[None]", stop: threading.Event
) -> str | None:
    """Show what the engine is at until it has generated a token; why it never will, if so."""
    with notes.status("Starting …") as spinner:
        while not (serving.done() or stop.is_set()):
            await asyncio.sleep(0.1)
            gateway: Gateway = app.state.gateway
            readiness, engine = gateway.readiness, gateway.client.engine
            if readiness.reason is None:
                break
            if readiness.hopeless and readiness.ours:
                return readiness.reason
            if readiness.hopeless:
                return f"The engine at {engine.base_url} cannot be used: {readiness.reason}"
            spinner.update(f"Waiting for the engine … {escape(readiness.reason)}")
    return None


async def _drain(app: FastAPI, seconds: float) -> None:
    """Turn readiness off and let the answers under way finish, for `seconds` at most."""
    admission = app.state.gateway.admission
    admission.draining = True
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await admission.until_idle()


@contextmanager
def _listen(settings: Serving) -> Iterator[socket.socket]:
    """The gateway's listening socket, taken before the engine spends its minutes on loading."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise OnbrandError(
            f"The gateway cannot listen on {place} ({error.strerror or error}); stop what uses it "
            f"or set another serving.port in {CONFIG_NAME}."
        ) from error
    with listener:
        # Passed on to each connection. asyncio does it only for sockets that name their protocol,
        # which this one does not; without it a client waits 40 ms between head and first word.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, in place of what they would do."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop_at_end_of_stdin(stop: threading.Event) -> None:
    # Not through sys.stdin: its lock would be held for the whole life of the process.
    while os.read(0, 1024):
        pass
    stop.set()
