import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from finetune.registry import model_name, register_merged
from finetune.tracking import open_run
from onbrand.artifact import Manifest, now, write_manifest
from onbrand.tracking_store import open_store
from onbrand.workspace import Workspace
from tests.finetune.tracked import give_database


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace whose tuning and merge left their files; nothing is written elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (tmp_path / "brand.toml").write_text('[brand]\nname = "Anna\'s Tea: 100%"')
    space = Workspace(tmp_path)
    give_database(space)
    with open_run(space) as run:
        run.metrics([{"step": 1, "loss": 1.0}])
    for folder, details in [(space.adapter, {"tracking": {"run": run.id}}), (space.merged, {})]:
        folder.mkdir(parents=True)
        manifest = Manifest(
            command="", config_hash="", started_at=now(), finished_at=now(), details=details
        )
        write_manifest(folder, manifest)
    (space.merged / "model.safetensors").write_bytes(b"weights")
    write_verification(space, "hash-1")
    yield space
    assert not list(elsewhere.iterdir())


def write_verification(space: Workspace, merged: str, passed: bool = True) -> None:
    verification = {
        "passed": passed,
        "merged": merged,
        "checks": [{"name": "relative_logit_error", "value": 2e-6, "limit": 1e-5}],
        "held_out_loss": {"base": 4.0, "merged": 2.5},
    }
    space.verification.write_text(json.dumps(verification))


def versions(space: Workspace) -> list[Any]:
    client = open_store(space, "").client
    found = client.search_model_versions()
    return sorted(found, key=lambda version: int(version.version))


def test_a_verified_model_is_registered_with_its_figures(merged: Workspace) -> None:
    register_merged(merged)
    [version] = versions(merged)
    assert version.name == "Anna's Tea 100%"
    assert version.source == merged.merged.as_uri(), "by reference: the weights are not copied"
    assert version.tags["onbrand.output_hash"] == "hash-1"
    assert version.tags["onbrand.verification"] == "passed"

    store = open_store(merged, "")
    run = store.client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {
        "relative_logit_error": 2e-6,
        "base_loss": 4.0,
        "merged_loss": 2.5,
    }
    tuning = json.loads((merged.adapter / "manifest.json").read_text())["details"]["tracking"][
        "run"
    ]
    assert run.data.tags["mlflow.parentRunId"] == tuning
    kept = [file.path for file in store.client.list_artifacts(version.run_id, "merged")]
    assert kept == ["merged/manifest.json", "merged/merged-verification.json"]


def test_a_version_leads_to_the_weights(merged: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    register_merged(merged)
    database = f"sqlite:///{merged.root}/models/mlflow/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    folder = mlflow.artifacts.download_artifacts("models:/Anna's Tea 100%@current")
    assert Path(folder) == merged.merged


def test_the_next_merge_is_the_current_version_and_the_same_one_is_none(merged: Workspace) -> None:
    register_merged(merged)
    register_merged(merged)
    assert len(versions(merged)) == 1
    write_verification(merged, "hash-2")
    register_merged(merged)
    first, second = versions(merged)
    assert first.tags["onbrand.replaced_by"] == "2"
    client = open_store(merged, "").client
    current = client.get_model_version_by_alias("Anna's Tea 100%", "current")
    assert current.version == second.version


def test_a_model_that_failed_is_recorded_but_not_registered(merged: Workspace) -> None:
    write_verification(merged, "hash-1", passed=False)
    register_merged(merged)
    assert versions(merged) == []
    store = open_store(merged, "")
    newest = store.client.search_runs([store.experiment_id])[0]
    assert newest.info.status == "FAILED"
    assert newest.data.metrics["relative_logit_error"] == 2e-6


def test_switched_off(tmp_path: Path) -> None:
    (tmp_path / "brand.toml").write_text("[tracking]\nenabled = false")
    register_merged(Workspace(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["brand.toml"]


@pytest.mark.parametrize(
    ("brand", "name"), [("Café Zoë", "Café Zoë"), ("a/b: c", "a b c"), ("", "onbrand")]
)
def test_names(brand: str, name: str) -> None:
    assert model_name(brand) == name
