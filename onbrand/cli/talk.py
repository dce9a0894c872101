"""`onbrand serve` and `onbrand chat`."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onbrand.address import gateway_url
from onbrand.artifact import read_manifest
from onbrand.cli.common import workspace_of
from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.workspace import CONFIG_NAME, Workspace

if TYPE_CHECKING:
    from bots.gateway_client import GatewayClient

_PROBE_SECONDS = 10.0
_LOAD_SECONDS = 600.0
"""Longest wait for an engine that loads its model."""
_END_SECONDS = 30.0
"""Longest wait for a gateway that was told to stop."""


def serve(
    context: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Serve although the merged model failed its check.")
    ] = False,
    end_with_stdin: Annotated[bool, typer.Option("--end-with-stdin", hidden=True)] = False,
) -> None:
    """Serve the merged model: an engine behind the gateway."""
    from serving.serve import serve as stage

    stage(workspace_of(context), force=force, end_with_stdin=end_with_stdin)


def chat(
    context: typer.Context,
    ask: Annotated[
        list[str] | None, typer.Option("--ask", help="Ask this and leave; repeat for more.")
    ] = None,
    url: Annotated[
        str, typer.Option(help="A gateway elsewhere; default: the one of this workspace.")
    ] = "",
) -> None:
    """Talk with the brand in the terminal; starts the gateway when none is running."""
    from bots.terminal import chat as talk

    if url:
        talk(url, "", ask)
        return
    workspace = workspace_of(context)
    with _gateway(workspace) as address:
        talk(address, workspace.config.brand.name, ask)


@contextmanager
def _gateway(workspace: Workspace) -> Iterator[str]:
    """The address of the workspace's gateway, ready; one that is started here ends with it."""
    from bots.gateway_client import GatewayClient, NoGatewayError

    settings = workspace.config.serving
    address = gateway_url(settings)
    seconds = settings.timeout_seconds if settings.engine == "remote" else _LOAD_SECONDS
    with closing(GatewayClient(address, _PROBE_SECONDS)) as client:
        try:
            _not_ready(client, workspace)
        except NoGatewayError:
            with _server(workspace) as server:
                _wait(client, workspace, seconds, server)
                yield address
        else:
            _wait(client, workspace, seconds)
            yield address


def _not_ready(client: "GatewayClient", workspace: Workspace) -> str:
    """Why the workspace's gateway cannot answer yet; empty when it can.

    Raises:
        NoGatewayError: nothing listens at its address.
        OnbrandError: something else does: another program, another brand, another model.
    """
    from bots.gateway_client import NoGatewayError
    from serving.gateway.voice import model_name

    address = gateway_url(workspace.config.serving)
    remedy = f"stop it, or set another serving.port in {workspace.root / CONFIG_NAME}."
    try:
        served = client.served()
    except NoGatewayError:
        raise
    except OnbrandError as error:
        raise OnbrandError(f"What answers at {address} is no Onbrand gateway; {remedy}") from error
    brand = model_name(workspace.config.brand)
    if served.brand != brand:
        raise OnbrandError(
            f"The gateway at {address} serves another brand ({served.brand}) than this workspace "
            f"({brand}); {remedy}"
        )
    if served.model != _model_hash(workspace):
        raise OnbrandError(
            f"The gateway at {address} serves another model than {workspace.root} holds now; "
            f"{remedy}"
        )
    return served.reason


def _model_hash(workspace: Workspace) -> str:
    """What the workspace's own gateway would say that it serves, if it were started now."""
    if workspace.config.serving.engine == "remote":
        return ""
    manifest = read_manifest(workspace.merged)
    return manifest.output_hash if manifest else ""


def _wait(
    client: "GatewayClient",
    workspace: Workspace,
    seconds: float,
    server: "subprocess.Popen[bytes] | None" = None,
) -> None:
    """Return when the gateway is ready; `server` is the process of one that was just started."""
    from bots.gateway_client import NoGatewayError

    deadline = time.monotonic() + seconds
    with notes.status("Waiting for the gateway and its engine …"):
        while True:
            ended = server is not None and server.poll() is not None
            if ended:
                raise OnbrandError(f"The gateway did not start: {_last_words(_log(workspace))}")
            try:
                reason = _not_ready(client, workspace)
            except NoGatewayError:
                if server is None:
                    raise
                reason = "It does not listen yet."
            if not reason:
                return
            if time.monotonic() > deadline:
                raise OnbrandError(f"The gateway was not ready within {seconds:g} s: {reason}")
            time.sleep(0.3)


@contextmanager
def _server(workspace: Workspace) -> Iterator["subprocess.Popen[bytes]"]:
    """`onbrand serve` for as long as the block, and no longer than this process, lasts."""
    log = _log(workspace)
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "onbrand", "--workspace", str(workspace.root), "serve"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            # However this process ends, SIGKILL included, the kernel closes the pipe.
            [*command, "--end-with-stdin"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the answer under way, not for the gateway.
            start_new_session=True,
        )
    try:
        yield server
    finally:
        server.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                server.wait(timeout=_END_SECONDS)
        finally:
            server.kill()
            server.communicate()


def _log(workspace: Workspace) -> Path:
    return workspace.root / "logs" / "serve.log"


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "it gave no reason")
    return f"{last.removeprefix('Error: ').rstrip('.')} (see {log})."
