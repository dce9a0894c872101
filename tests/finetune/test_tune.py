import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from finetune.merge import merge
from finetune.tune import tune
from onbrand.artifact import read_manifest
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


def _log(workspace: Workspace) -> list[dict[str, float]]:
    lines = (workspace.adapter / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_the_loss_falls_and_the_adapter_is_complete(workspace: Workspace, tiny_llama: Path) -> None:
    outcome = tune(workspace, tiny_llama)
    log = _log(workspace)
    assert len(log) == outcome.manifest.counts["steps"] == 24
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]
    assert log[-1]["validation_loss"] < log[4]["validation_loss"]
    weights = load_file(workspace.adapter / "adapter_model.safetensors")
    assert any(tensor.abs().max() > 0 for name, tensor in weights.items() if "lora_B" in name)
    made = {path.name for path in workspace.adapter.iterdir()}
    assert {"adapter_config.json", "tokenizer.json", "loss.png", "manifest.json"} <= made
    assert not workspace.adapter.with_name("adapter.checkpoint").exists()


def test_nothing_changed_means_nothing_to_do(tuned_once: Path, tiny_llama: Path) -> None:
    workspace = Workspace(tuned_once)
    before = read_manifest(workspace.adapter)
    again = tune(workspace, tiny_llama)
    assert again.was_current
    assert again.manifest == before


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(workspace: Workspace, tuned_once: Path) -> None:
    uninterrupted = Workspace(tuned_once)
    expected_log = _log(uninterrupted)
    expected_weights = load_file(uninterrupted.adapter / "adapter_model.safetensors")

    command = [sys.executable, "-m", "onbrand", "-w", str(workspace.root), "tune"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = workspace.root / "models" / "adapter.checkpoint" / "state.json"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL, "the run ended before it could be killed"

    resumed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Resuming after step" in resumed.stderr
    log = _log(workspace)
    assert len(log) == len(expected_log)
    for row, expected_row in zip(log, expected_log, strict=True):
        assert row["loss"] == pytest.approx(expected_row["loss"], abs=1e-5)
    weights = load_file(workspace.adapter / "adapter_model.safetensors")
    for name, tensor in weights.items():
        assert tensor.allclose(expected_weights[name], atol=1e-6), name


def test_evaluation_does_not_change_training(workspace: Workspace, tiny_llama: Path) -> None:
    """The worst trap: on some CPUs an evaluation pass repacks 4-bit weights for good."""
    toml = workspace.root / "brand.toml"
    text = toml.read_text()
    losses = []
    for every in (2, 24):  # validation after every second step, or only at the end
        toml.write_text(text.replace("checkpoint_steps = 5", f"checkpoint_steps = {every}"))
        fresh = Workspace(workspace.root)
        tune(fresh, tiny_llama)
        losses.append([row["loss"] for row in _log(fresh)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_accumulated_micro_batches_equal_one_batch(workspace: Workspace, tiny_llama: Path) -> None:
    toml = workspace.root / "brand.toml"
    text = toml.read_text() + "\ndropout = 0.0\nmax_steps = 6\n"
    losses = []
    for micro in (8, 3):
        toml.write_text(text + f"micro_batch_size = {micro}\n")
        fresh = Workspace(workspace.root)
        tune(fresh, tiny_llama)
        losses.append([row["loss"] for row in _log(fresh)])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_no_data_set_is_one_sentence(tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / "brand.toml").write_text("")
    with pytest.raises(OnbrandError, match="run `onbrand build` first"):
        tune(Workspace(tmp_path), tiny_llama)


def test_merge_needs_an_adapter(tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / "brand.toml").write_text("")
    with pytest.raises(OnbrandError, match="run `onbrand tune` first"):
        merge(Workspace(tmp_path), tiny_llama)
