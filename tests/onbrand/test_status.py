"""What `onbrand status` says of the merged model's verification."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.verification import Check, Stops, Verification
from onbrand.artifact import Manifest, now, write_manifest
from onbrand.cli.app import app
from onbrand.cli.status import overview
from onbrand.workspace import Workspace


def verification(error: float = 1.5e-6, merged: str = "hash") -> Verification:
    check = Check(name="relative_logit_error", value=error, limit=1e-5)
    return Verification(
        passed=check.passed,
        merged=merged,
        dtype="float32",
        onto="dequantised",
        texts=4,
        checks=[check],
        stops=Stops(prompts=10, stopped=9, limit=128, end_loss=0.5, base_end_loss=8.0),
        held_out_loss={"base": 4.0, "adapter": 2.5, "merged": 2.5},
        distance_from_trained=error,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "brand.toml").touch()
    space = Workspace(tmp_path)
    manifest = Manifest(
        command="merge",
        config_hash=space.config.hash_for("merged"),
        output_hash="hash",
        started_at=now(),
        finished_at=now(),
    )
    space.merged.mkdir(parents=True)
    write_manifest(space.merged, manifest)
    return space


def row(workspace: Workspace, artifact: str = "merged") -> dict[str, object]:
    return next(row for row in overview(workspace) if row["artifact"] == artifact)


def test_a_verified_model(workspace: Workspace) -> None:
    workspace.verification.write_text(verification().model_dump_json())
    line = (
        "verified; logits differ by 1.5e-06; 9 of 10 answers end; "
        "held-out loss: base 4.000, adapter 2.500, merged 2.500"
    )
    assert row(workspace)["figures"] == line
    options = ["-w", str(workspace.root), "status"]
    shown = CliRunner().invoke(app, options)
    assert "verified" in shown.stdout
    rows = json.loads(CliRunner().invoke(app, [*options, "--json"]).stdout)
    [merged] = [found for found in rows if found["artifact"] == "merged"]
    assert merged["verification"]["stops"]["stopped"] == 9


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "not verified"),
        ("{", "not verified"),
        ('{"passed": true, "merged": "hash", "checks": []}', "not verified"),  # of before
        (verification(merged="other").model_dump_json(), "before it was merged anew"),
    ],
)
def test_no_verification_that_counts(workspace: Workspace, content: str | None, says: str) -> None:
    if content is not None:
        workspace.verification.write_text(content)
    assert says in str(row(workspace)["figures"])


def test_a_model_that_is_not_the_trained_one(workspace: Workspace) -> None:
    (workspace.merged / "manifest.json").unlink()
    assert row(workspace)["state"] == "missing"
    workspace.verification.write_text(verification(error=float("nan")).model_dump_json())
    failed = row(workspace)
    assert failed["state"] == "failed"
    assert str(failed["figures"]).startswith("verification failed; relative_logit_error nan")
    options = ["-w", str(workspace.root), "status", "--json"]
    assert "NaN" in CliRunner().invoke(app, options).stdout


def test_the_option_of_the_merge_makes_nothing_stale(workspace: Workspace) -> None:
    settings = workspace.config.hash_for("merged")
    for option, state in (("", "current"), ("+original", "current"), ("x", "stale")):
        manifest = Manifest(
            command="merge",
            config_hash=settings + option,
            output_hash="hash",
            started_at=now(),
            finished_at=now(),
        )
        write_manifest(workspace.merged, manifest)
        assert row(workspace)["state"] == state


@pytest.mark.parametrize("folder", ["adapter.checkpoint", "adapter.checkpoint.old"])
def test_a_tuning_that_was_stopped(workspace: Workspace, folder: str) -> None:
    pytest.importorskip("torch")
    from finetune import checkpoint

    assert row(workspace, "adapter")["figures"] == ""
    path = workspace.adapter.with_name(folder)
    checkpoint.begin(path, checkpoint.RunState("x"))  # nothing to go on from yet
    assert row(workspace, "adapter")["figures"] == ""
    checkpoint.begin(path, checkpoint.RunState("x", step=40))
    stopped = row(workspace, "adapter")
    assert stopped["state"] == "missing"
    assert str(stopped["figures"]).startswith(
        "a tuning is unfinished after step 40; `onbrand tune`"
    )
    (path / "state.json").write_text("{")
    assert row(workspace, "adapter")["figures"] == ""


def test_a_tuning_that_was_stopped_beside_an_adapter(workspace: Workspace) -> None:
    manifest = Manifest(
        command="tune",
        config_hash=workspace.config.hash_for("adapter"),
        counts={"examples": 48},
        started_at=now(),
        finished_at=now(),
    )
    workspace.adapter.mkdir()
    write_manifest(workspace.adapter, manifest)
    checkpoint = workspace.adapter.with_name("adapter.checkpoint")
    checkpoint.mkdir()
    (checkpoint / "state.json").write_text('{"step": 7}')
    told = row(workspace, "adapter")
    assert told["state"] == "current"
    said = str(told["figures"])
    assert said.startswith("a tuning is unfinished after step 7; `onbrand tune` goes on from there")
    assert said.endswith("; examples 48")
