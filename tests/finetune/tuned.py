"""Tuning through the command line, as a person does it, and what it leaves."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import tomlkit

from onbrand.workspace import Workspace


def configure(workspace: Workspace, **tune: Any) -> Workspace:
    """The workspace with these keys of [tune] set in its brand.toml."""
    path = workspace.root / "brand.toml"
    document = tomlkit.parse(path.read_text())
    document.setdefault("tune", {}).update(tune)  # type: ignore[union-attr]
    path.write_text(tomlkit.dumps(document))
    return Workspace(workspace.root)


def tune_command(workspace: Workspace, *options: str) -> list[str]:
    return [sys.executable, "-m", "onbrand", "-w", str(workspace.root), "tune", *options]


def tuned(workspace: Workspace, *options: str, **tune: Any) -> list[dict[str, float]]:
    """Tune with these settings; the log's rows."""
    configure(workspace, **tune)
    subprocess.run(
        tune_command(workspace, *options), check=True, capture_output=True, text=True, timeout=300
    )
    return log_of(workspace.adapter)


def log_of(adapter: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (adapter / "log.jsonl").read_text().splitlines()]


def losses(log: list[dict[str, float]]) -> list[float]:
    return [row["loss"] for row in log]
