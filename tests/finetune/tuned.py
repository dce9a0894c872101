"""Tuning through the command line, as a person does it, and what it leaves."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import tomlkit
from typer.testing import CliRunner

from onbrand.cli.app import app
from onbrand.workspace import Workspace


def configure(workspace: Workspace, **tune: Any) -> Workspace:
    """The workspace with these keys of [tune] set in its brand.toml."""
    path = workspace.root / "brand.toml"
    document = tomlkit.parse(path.read_text())
    document.setdefault("tune", {}).update(tune)  # type: ignore[union-attr]
    path.write_text(tomlkit.dumps(document))
    return Workspace(workspace.root)


def set_base(workspace: Workspace, base: Path) -> Workspace:
    """The workspace with another base model."""
    path = workspace.root / "brand.toml"
    document = tomlkit.parse(path.read_text())
    document["model"]["base"] = str(base)  # type: ignore[index]
    path.write_text(tomlkit.dumps(document))
    return Workspace(workspace.root)


def tune_command(workspace: Workspace, *options: str) -> list[str]:
    return [sys.executable, "-m", "onbrand", "-w", str(workspace.root), "tune", *options]


def tuned(workspace: Workspace, *options: str, **tune: Any) -> list[dict[str, float]]:
    """Tune with these settings; the log's rows.

    In this process, since a new one spends longer on loading libraries than on the tuning.
    """
    configure(workspace, **tune)
    done = CliRunner().invoke(app, ["-w", str(workspace.root), "tune", *options])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return log_of(workspace.adapter)


def started_and_at_a_checkpoint(workspace: Workspace, *options: str) -> "subprocess.Popen[bytes]":
    """A tuning that has written its first checkpoint and goes on; the caller ends it."""
    state = workspace.root / "models" / "adapter.checkpoint" / "state.json"
    running = subprocess.Popen(
        tune_command(workspace, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while not _steps_in(state):
        assert running.poll() is None, "the run ended without a checkpoint that could be seen"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return running


def _steps_in(state: Path) -> int:
    try:
        return int(json.loads(state.read_text())["step"])
    except OSError:  # not there yet, or just being replaced
        return 0


def log_of(adapter: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (adapter / "log.jsonl").read_text().splitlines()]


def losses(log: list[dict[str, float]]) -> list[float]:
    return [row["loss"] for row in log]
