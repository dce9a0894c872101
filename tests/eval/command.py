"""`onbrand eval …` as a person types it, in this process."""

import json
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from eval.report.schema import Report
from onbrand.cli.app import app
from onbrand.workspace import Workspace


def run(workspace: Workspace, *words: str) -> Result:
    """What came of it; an error of ours is `result.exception`."""
    return CliRunner().invoke(app, ["-w", str(workspace.root), "eval", *words])


def report_from(workspace: Workspace, *words: str) -> Report:
    """The report that a command wrote."""
    result = run(workspace, *words, "--json")
    if result.exception:
        raise result.exception
    return Report.model_validate(manifest_of(result)["details"]["report"])


def manifest_of(result: Result) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(result.stdout)
    return manifest


def folder_of(workspace: Workspace, kind: str = "half-split") -> Path:
    """The newest report's folder."""
    return max(workspace.reports.glob(f"*-{kind}"))


def faults(report: Report) -> set[str]:
    """The names of its alarms."""
    return {alarm.fault for alarm in report.alarms}
