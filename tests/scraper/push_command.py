"""`onbrand push` in a process of its own, as a person runs it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from onbrand.workspace import Workspace
from scraper.build import build
from tests.scraper.dataset_hub import TOKEN
from tests.scraper.raw_folder import TOML, write_raw_folder

NAME = "saltmarsh/voice"


def built(root: Path) -> Workspace:
    """A workspace with a data set to push."""
    workspace = Workspace(root)
    toml = '[brand]\nname = "Saltmarsh"\n' + TOML
    (workspace.root / "brand.toml").write_text(toml, encoding="utf-8")
    write_raw_folder(workspace)
    build(workspace)
    return workspace


def nowhere() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def push(
    workspace: Workspace, url: str, *arguments: str, token: str = TOKEN, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command with a home folder of its own, where no other token lies."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-m", "onbrand", "push", *(arguments or (NAME,))],
        cwd=workspace.root,
        env=inherited
        | {"HF_ENDPOINT": url, "HF_HOME": str(workspace.root / "hf"), "HF_HUB_DISABLE_XET": "1"}
        | ({"HF_TOKEN": token} if token else {})
        | {"COLUMNS": "400"}
        | environment,
        capture_output=True,
        text=True,
    )


def refused(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one sentence of a push that has to fail."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert TOKEN not in done.stderr + done.stdout
    return done.stderr
