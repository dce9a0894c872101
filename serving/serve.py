"""`onbrand serve`: the engine, the gateway in front of it, and an orderly end of both."""

import asyncio
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from onbrand.address import gateway_url
from onbrand.artifact import read_manifest
from onbrand.config import Serving
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import CONFIG_NAME, Workspace
from serving.engine import ENGINE_KEY, Engine, UrlEngine
from serving.gateway import create_app
from serving.routes import Gateway
from serving.transformers_engine import start_transformers

_DRAIN_SECONDS = 10
"""How long answers under way may go on after the signal to stop."""


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
        UsageError: `engine = "url"` without `engine_url`.
        OnbrandError: nothing merged, or not verified, address in use, or the engine failed.
    """
    settings = workspace.config.serving
    model_hash = _check_merged(workspace, force) if settings.engine == "transformers" else ""
    _log_requests()
    with _listen(settings) as listener, _engine(workspace) as engine, _stop_signals() as stop:
        if end_with_stdin:
            threading.Thread(target=_stop_at_end_of_stdin, args=[stop], daemon=True).start()
        app = create_app(settings, workspace.config.brand, engine, model_hash)
        ready = on_ready or (lambda url: notes.print(f"Ready at {url}"))
        asyncio.run(_supervise(app, listener, engine, stop, lambda: ready(gateway_url(settings))))


async def _supervise(
    app: FastAPI,
    listener: socket.socket,
    engine: Engine,
    stop: threading.Event,
    ready: Callable[[], None],
) -> None:
    """Run the gateway; say when the engine is ready; end it all when the engine fails."""
    config = uvicorn.Config(
        app,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    failure = None
    try:
        with notes.status("Starting …") as spinner:
            while not (serving.done() or stop.is_set() or failure):
                await asyncio.sleep(0.1)
                gateway: Gateway | None = getattr(app.state, "gateway", None)
                reason = gateway.readiness.reason if gateway else "The gateway is starting."
                failure = engine.failure()
                if reason is None:
                    break
                if gateway and gateway.readiness.hopeless:
                    failure = f"The engine at {engine.base_url} cannot be used: {reason}"
                spinner.update(f"Waiting for the engine … {reason}")
        if not (serving.done() or stop.is_set() or failure):
            ready()
        while not (serving.done() or stop.is_set() or failure):
            await asyncio.sleep(0.1)
            failure = engine.failure()
    finally:
        server.should_exit = True
        await serving
    if failure:
        raise OnbrandError(failure)


def _check_merged(workspace: Workspace, force: bool) -> str:
    """The merged model's hash; refuses one that is not known to be the model that was trained."""
    if not (workspace.merged / "config.json").is_file():
        raise OnbrandError(
            f"There is no merged model in {workspace.merged}; run `onbrand merge` first."
        )
    manifest = read_manifest(workspace.merged)
    model_hash = manifest.output_hash if manifest else ""
    if manifest is None:
        doubt = f"The merge of {workspace.merged} did not finish; run `onbrand merge`"
    else:
        doubt = _doubt(workspace.verification, model_hash)
    if doubt and not force:
        raise OnbrandError(f"{doubt}, or serve it all the same with --force.")
    return model_hash


def _doubt(path: Path, model_hash: str) -> str:
    """What the verification in `path` says against the merged model; empty: nothing."""
    again = "run `onbrand merge --force`"
    try:
        verification = json.loads(path.read_text(encoding="utf-8"))
        merged, passed = verification.get("merged"), verification["passed"]
    except FileNotFoundError:
        return f"{path} is not there, so the merged model was never verified; {again}"
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return f"{path} cannot be read; {again}"
    if merged != model_hash:
        return f"{path} speaks of another merged model than the one that is there; {again}"
    if passed is not True:
        return f"The merged model failed its verification ({path}); {again}"
    return ""


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
        yield listener


def _engine(workspace: Workspace) -> AbstractContextManager[Engine]:
    """The configured engine; one that runs here is started on entry and ended on exit."""
    settings = workspace.config.serving
    if settings.engine == "transformers":
        return start_transformers(workspace.merged, workspace.root / "logs")
    if not settings.engine_url:
        raise UsageError(
            f'{workspace.root / CONFIG_NAME}: serving.engine = "url" needs serving.engine_url, '
            "such as http://127.0.0.1:8000/v1."
        )
    key = os.environ.get(ENGINE_KEY, "")
    return nullcontext(UrlEngine(settings.engine_url, settings.engine_model, key))


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, in place of what they would do.

    uvicorn takes both signals while it serves, and sends them again when it has shut down: without
    handlers of our own that would end the process before the engine is.
    """
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


def _log_requests() -> None:
    """One line per request, to standard error."""
    log = logging.getLogger("onbrand.gateway")
    log.setLevel(logging.INFO)
    if not log.handlers:
        # Not through rich: it would wrap lines that a program may read.
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.addHandler(handler)
        log.propagate = False
