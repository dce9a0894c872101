"""An evaluation's record in MLflow, below the tuning's run, when tuning was recorded there."""

import time
from pathlib import Path
from typing import Any

from eval.report.html import HTML_NAME
from eval.report.markdown import MARKDOWN_NAME
from eval.report.schema import REPORT_NAME, Report
from onbrand import __version__
from onbrand.artifact import read_manifest
from onbrand.console import notes
from onbrand.tracking_store import checked_uri, open_store, trouble
from onbrand.workspace import Workspace

_FILES = (REPORT_NAME, MARKDOWN_NAME, HTML_NAME)


def record(workspace: Workspace, folder: Path, report: Report) -> None:
    """Record a report's figures, differences and pages.

    Where the store fails, a warning is printed: the report is on disk in any case.

    Raises:
        UsageError: `[tracking] uri` cannot be right.
    """
    tuning = _tuning_run(workspace)
    if not workspace.config.tracking.enabled or not tuning:
        return
    uri = checked_uri(workspace)
    try:
        from mlflow.entities import Metric, Param

        store = open_store(workspace, uri)
        tags = {"onbrand.version": __version__, "mlflow.parentRunId": tuning}
        run_id = store.create_run(f"eval {report.created_at}", tags)
        moment = int(time.time() * 1000)
        store.client.log_batch(
            run_id,
            metrics=[Metric(name, value, moment, 0) for name, value in _metrics(report).items()],
            params=[Param("data", report.data.hash), Param("items", str(report.data.items))],
            synchronous=True,
        )
        for name in _FILES:
            store.client.log_artifact(run_id, str(folder / name), "report")
        store.client.set_terminated(run_id, "FINISHED")
    except Exception as error:
        again = "The evaluation is not recorded; its report is on disk."
        notes.print(f"{trouble(uri, error)} {again}", style="yellow", markup=False)


def _tuning_run(workspace: Workspace) -> str:
    adapter = read_manifest(workspace.adapter)
    tracked: Any = adapter.details.get("tracking", {}) if adapter else {}
    return str(tracked.get("run", ""))


def _metrics(report: Report) -> dict[str, float]:
    """Every score by row and figure, and every difference between two models with its ends."""
    found = {
        f"{row}.{figure}": score.value
        for row, figures in report.scores.items()
        for figure, score in figures.items()
    }
    for change in report.changes:
        if change.a in report.names:
            name = f"{change.b}-less-{change.a}.{change.figure}"
            found |= {name: change.value, f"{name}.low": change.low, f"{name}.high": change.high}
    return found | {"alarms": float(len(report.alarms))}
