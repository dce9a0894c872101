"""`onbrand serve` and `onbrand chat`."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from onbrand.cli.common import workspace_of
from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


def serve(
    context: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Serve although the merged model failed its check.")
    ] = False,
) -> None:
    """Serve the merged model: an engine behind the gateway."""
    from serving.serve import serve as stage

    stage(workspace_of(context), force=force)


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

    workspace = workspace_of(context)
    with _gateway(workspace, url) as address:
        talk(address, workspace.config.brand.name, ask)


@contextmanager
def _gateway(workspace: Workspace, url: str) -> Iterator[str]:
    """The address of a gateway that is ready; one that is started here ends with the block."""
    import httpx

    settings = workspace.config.serving
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    address = url or f"http://{host}:{settings.port}"

    def is_ready() -> bool:
        try:
            return httpx.get(f"{address}/ready", timeout=5, trust_env=bool(url)).is_success
        except httpx.HTTPError:
            return False

    if url or is_ready():
        yield address
        return
    log = workspace.root / "logs" / "serve.log"
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "onbrand", "--workspace", str(workspace.root), "serve"]
    with log.open("w", encoding="utf-8") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        with notes.status("Starting the gateway and its engine …"):
            while not is_ready():
                if server.poll() is not None:
                    last = log.read_text(encoding="utf-8").strip().splitlines() or ["no reason"]
                    raise OnbrandError(f"The gateway did not start: {last[-1]} (see {log})")
                time.sleep(0.3)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)
