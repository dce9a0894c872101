"""A model in parts: two processes, through the command line, train as one does with all of it."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from finetune.processes import run_in_processes
from onbrand.artifact import required_manifest
from onbrand.workspace import Workspace
from tests.finetune.sharded import look_at_a_share
from tests.finetune.tuned import (
    log_of,
    losses,
    started_and_at_a_checkpoint,
    tune_command,
    tuned,
)

pytestmark = pytest.mark.slow

# Three forward passes of a step, and three of validation, so that one process has a turn less.
SETTINGS = {
    "max_steps": 8,
    "samples": 1,
    "learning_rate": 2e-3,
    "checkpoint_steps": 4,
    "micro_batch_size": 3,
}
TWO = ("--force", "--processes", "2")


def weights_of(workspace: Workspace) -> dict[str, torch.Tensor]:
    [file] = workspace.adapter.glob("*model.safetensors")
    return load_file(file)


@pytest.mark.parametrize(
    "kind",
    [
        {"method": "lora"},
        {"method": "full", "recompute": True},
        {"method": "qlora", "dora": True},
    ],
    ids=lambda kind: "-".join(map(str, kind.values())),
)
def test_two_shares_equal_one_whole(workspace: Workspace, kind: dict[str, Any]) -> None:
    alone = tuned(workspace, **SETTINGS, **kind)
    expected = weights_of(workspace)
    samples = (workspace.adapter / "samples.jsonl").read_text()
    counts = required_manifest(workspace.adapter, "", "").counts

    both = tuned(workspace, *TWO, shard=True)
    assert losses(both) == pytest.approx(losses(alone), abs=1e-5)
    judged = [[row.get("validation_loss", 0.0) for row in log] for log in (alone, both)]
    assert judged[1] == pytest.approx(judged[0], abs=1e-5)
    found = weights_of(workspace)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert (found[name] - tensor).norm() <= 1e-5 * tensor.norm(), name
    assert (workspace.adapter / "samples.jsonl").read_text() == samples
    assert required_manifest(workspace.adapter, "", "").counts == counts | {"processes": 2}
    if kind["method"] == "full":
        assert type(AutoModelForCausalLM.from_pretrained(workspace.adapter)).__name__ == (
            "LlamaForCausalLM"
        )


def test_killed_and_resumed_equals_uninterrupted(workspace: Workspace) -> None:
    settings = SETTINGS | {"method": "full", "max_steps": 10, "checkpoint_steps": 2}
    expected = tuned(workspace, *TWO, **settings, shard=True)
    weights = weights_of(workspace)

    first = started_and_at_a_checkpoint(workspace, *TWO)
    first.kill()
    assert first.wait() == -signal.SIGKILL, "the run ended before it could be killed"

    command = tune_command(workspace, "--processes", "2")
    resumed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Resuming after step" in resumed.stderr
    assert losses(log_of(workspace.adapter)) == losses(expected)
    found = weights_of(workspace)
    assert all(found[name].equal(tensor) for name, tensor in weights.items())


def test_each_holds_half_and_computes_as_with_all(tiny_llama: Path, tmp_path: Path) -> None:
    """In bf16, as on a GPU; and also after a pass that failed."""
    run_in_processes(2, look_at_a_share, tiny_llama, "qlora", torch.bfloat16, tmp_path)
    shares = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    for share in shares:
        assert share["share_bytes"] == pytest.approx(share["whole_bytes"] / 2, rel=0.01)
        assert share["after"] == pytest.approx(share["before"], rel=0.02)
        assert share["after_a_failure"] == share["after"] == shares[0]["after"]
    assert [share["turns"] for share in shares] == [
        [["a", True], ["c", True]],
        [["b", True], ["a", False]],
    ]
