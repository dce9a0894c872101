"""A merge beside a good model: whatever happens to it, the good one stays until it is done."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from finetune import merge as merging
from finetune.export import export
from finetune.fold import fold_in
from finetune.merge import merge
from finetune.verification import read_verification
from onbrand.artifact import folder_hash, read_manifest
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


@pytest.fixture
def merged(merged_once: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(merged_once, tmp_path / "workspace"))


def state_of(workspace: Workspace) -> tuple[str, str, bytes]:
    """All that is served: model, manifest, verification."""
    manifest = (workspace.merged / "manifest.json").read_text()
    return folder_hash(workspace.merged), manifest, workspace.verification.read_bytes()


def fold_in_wrongly(trained: object, model: object) -> None:
    fold_in(trained, model)
    model.model.layers[0].mlp.up_proj.weight.data.mul_(1.01)  # type: ignore[attr-defined]


def test_one_that_fails_changes_nothing(
    merged: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of(merged)
    monkeypatch.setattr(merging, "fold_in", fold_in_wrongly)
    with pytest.raises(
        OnbrandError, match=r"relative_logit_error is .* stays\. See .*failed\.json"
    ):
        merge(merged, tiny_llama, force=True)
    assert state_of(merged) == before
    models = merged.merged.parent
    failed = read_verification(models / "merged-verification-failed.json")
    assert failed is not None
    assert [check.name for check in failed.failed] == ["relative_logit_error", "weight_error"]
    assert not (models / "merged.partial").exists()

    monkeypatch.undo()
    merge(merged, tiny_llama, force=True)
    assert not (models / "merged-verification-failed.json").exists(), "it speaks of the past"


def test_one_that_cannot_be_verified_changes_nothing(
    merged: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of(merged)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(merging, "verify", interrupted)
    with pytest.raises(KeyboardInterrupt):
        merge(merged, tiny_llama, force=True)
    assert state_of(merged) == before


def test_one_that_is_killed_while_it_is_verified_changes_nothing(merged: Workspace) -> None:
    before = state_of(merged)
    command = [sys.executable, "-m", "onbrand", "-w", str(merged.root), "merge", "--force"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reload = _process_that_reloads(process)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with contextlib.suppress(psutil.NoSuchProcess):
        reload.kill()
    assert state_of(merged) == before

    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in merged.merged.parent.glob("merged.*")] == []
    verification = read_verification(merged.verification)
    assert verification is not None
    assert verification.passed


def _process_that_reloads(merge: subprocess.Popen[bytes]) -> psutil.Process:
    """The fresh process of the verification: it runs in the middle of it, for seconds."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert merge.poll() is None, "the merge ended before it could be killed"
        for child in psutil.Process(merge.pid).children(recursive=True):
            try:
                if "finetune.reload" in child.cmdline():
                    return child
            except psutil.Error:
                continue
        time.sleep(0.01)
    raise AssertionError("nothing was verified")


def test_killed_between_model_and_verification_it_is_merged_again(
    merged: Workspace, tiny_llama: Path
) -> None:
    """The new model is there, with the verification of the one before."""
    verification = json.loads(merged.verification.read_text())
    merged.verification.write_text(json.dumps(verification | {"merged": "of the one before"}))
    assert not merge(merged, tiny_llama).was_current
    assert merge(merged, tiny_llama).was_current


def test_where_there_is_no_good_one_it_is_left_for_who_wants_it(
    merged: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no manifest, so that it is served by force alone."""
    shutil.rmtree(merged.merged)
    monkeypatch.setattr(merging, "fold_in", fold_in_wrongly)
    for _ in range(2):  # the second takes the first one's place
        with pytest.raises(
            OnbrandError, match=r"relative_logit_error is .*; see .*verification\.json"
        ):
            merge(merged, tiny_llama)
        assert (merged.merged / "model.safetensors").is_file()
        assert read_manifest(merged.merged) is None
        verification = read_verification(merged.verification)
        assert verification is not None
        assert not verification.passed
        assert verification.merged == folder_hash(merged.merged)
    with pytest.raises(
        OnbrandError,
        match=r"merged failed its verification .* \(relative_logit_error is .*docs/merge\.md",
    ):
        export(merged, "f16")
    shutil.rmtree(merged.merged)
    with pytest.raises(OnbrandError, match="run `onbrand merge` first"):
        export(merged, "f16")
