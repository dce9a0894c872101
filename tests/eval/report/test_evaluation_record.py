"""An evaluation's record in a real MLflow store."""

from pathlib import Path
from typing import Any

import pytest

from eval.report.schema import Report
from eval.report.tracking import record
from eval.report.write import write_pages
from onbrand.artifact import Manifest, now, write_manifest
from onbrand.tracking_store import Store, open_store
from onbrand.workspace import Workspace
from tests.eval.report.sample_report import generated, report_of
from tests.finetune.tracked import give_database


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    (tmp_path / "brand.toml").write_text('[brand]\nname = "Saltair"\n')
    space = Workspace(tmp_path)
    give_database(space)
    return space


def tuned_in(space: Workspace, details: dict[str, Any]) -> None:
    manifest = Manifest(
        command="tune", config_hash="", started_at=now(), finished_at=now(), details=details
    )
    write_manifest(space.adapter, manifest)


def recorded(space: Workspace) -> Report:
    report, samples = report_of(generated(6))
    folder = space.reports / "r"
    folder.mkdir(parents=True)
    write_pages(folder, report, samples)
    record(space, folder, report)
    return report


def runs(store: Store) -> list[Any]:
    return list(store.client.search_runs([store.experiment_id]))


def test_it_stands_below_the_tunings_run(space: Workspace) -> None:
    store = open_store(space, "")
    tuning = store.create_run("tune", {})
    tuned_in(space, {"tracking": {"run": tuning}})
    report = recorded(space)
    [run] = [run for run in runs(store) if run.info.run_id != tuning]
    assert run.data.tags["mlflow.parentRunId"] == tuning
    assert run.info.status == "FINISHED"
    assert run.data.metrics["tuned.rougeL"] == report.value("tuned", "rougeL")
    change = report.change("base", "tuned", "perplexity")
    assert change is not None
    assert run.data.metrics["tuned-less-base.perplexity.low"] == change.low
    files = {file.path for file in store.client.list_artifacts(run.info.run_id, "report")}
    assert files == {"report/report.json", "report/report.md", "report/report.html"}


def test_nothing_is_recorded_where_tuning_was_not(space: Workspace) -> None:
    recorded(space)
    assert runs(open_store(space, "")) == []


def test_a_store_that_fails_is_said_and_no_reason_to_stop(
    space: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned_in(space, {"tracking": {"run": "x"}})
    (space.root / "models/mlflow/mlflow.db").write_bytes(b"no database")
    recorded(space)
    said = " ".join(capsys.readouterr().err.split())
    assert "MLflow cannot record" in said
    assert "its report is on disk" in said
