"""What must not change a run's result, through the command line, in fp32."""

import os
import signal
import subprocess
import time

import pytest
from safetensors.torch import load_file

from onbrand.artifact import required_manifest
from onbrand.workspace import Workspace
from tests.finetune.tuned import configure, log_of, losses, tune_command, tuned

pytestmark = pytest.mark.slow

SHORT = {"max_steps": 8, "samples": 0, "learning_rate": 2e-3}
"""A low rate: at the fixtures' high one rounding errors grow from step to step."""


def weights_of(workspace: Workspace) -> dict:
    return load_file(workspace.adapter / "adapter_model.safetensors")


def test_one_at_a_time_accumulated_equals_eight_at_once(workspace: Workspace) -> None:
    at_once = losses(tuned(workspace, **SHORT, micro_batch_size=8))
    one_by_one = losses(tuned(workspace, **SHORT, micro_batch_size=1))
    assert one_by_one == pytest.approx(at_once, abs=1e-5)
    assert at_once[-1] < at_once[0]


def test_packed_equals_unpacked(workspace: Workspace) -> None:
    packed = tuned(workspace, **SHORT, packing=True)
    assert required_manifest(workspace.adapter, "", "").details["packing"]
    unpacked = tuned(workspace, **SHORT, packing=False)
    assert not required_manifest(workspace.adapter, "", "").details["packing"]
    assert losses(packed) == pytest.approx(losses(unpacked), abs=1e-5)


@pytest.mark.parametrize("method", ["qlora", "full"])
def test_killed_and_resumed_equals_uninterrupted(workspace: Workspace, method: str) -> None:
    settings = {"max_steps": 24, "checkpoint_steps": 3, "dropout": 0.1, "method": method}
    expected = tuned(workspace, **settings)
    name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
    weights = load_file(workspace.adapter / name)

    command = tune_command(workspace, "--force")
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = workspace.root / "models" / "adapter.checkpoint" / "state.json"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL, "the run ended before it could be killed"

    (workspace.adapter / "manifest.json").unlink()  # or nothing would have to be done
    resumed = subprocess.run(tune_command(workspace), capture_output=True, text=True, check=True)
    assert "Resuming after step" in resumed.stderr
    assert losses(log_of(workspace.adapter)) == losses(expected)
    found = load_file(workspace.adapter / name)
    assert all(found[key].equal(tensor) for key, tensor in weights.items())


def test_the_same_seed_gives_the_same_run_and_another_seed_another(workspace: Workspace) -> None:
    first = losses(tuned(workspace, **SHORT, dropout=0.1))
    weights = weights_of(workspace)
    assert losses(tuned(workspace, "--force")) == first
    assert all(tensor.equal(weights[name]) for name, tensor in weights_of(workspace).items())
    assert losses(tuned(workspace, seed=14)) != first


@pytest.mark.parametrize("micro_batch_size", [2, 8])
def test_two_processes_equal_one_with_the_doubled_batch(
    workspace: Workspace, micro_batch_size: int
) -> None:
    """Four examples of a step for each; with 8 at once the second process has nothing to do."""
    settings = {**SHORT, "batch_size": 8, "checkpoint_steps": 4}
    alone = tuned(workspace, **settings, micro_batch_size=8)
    both = tuned(
        workspace, "--force", "--processes", "2", **settings, micro_batch_size=micro_batch_size
    )
    assert required_manifest(workspace.adapter, "", "").counts["processes"] == 2
    assert losses(both) == pytest.approx(losses(alone), abs=1e-5)
    judged = [[row.get("validation_loss", 0.0) for row in log] for log in (alone, both)]
    assert judged[1] == pytest.approx(judged[0], abs=1e-5)


def test_a_failure_in_one_of_two_processes_is_one_sentence(workspace: Workspace) -> None:
    configure(workspace, modules=["no_such_module"])
    done = subprocess.run(
        tune_command(workspace, "--processes", "2"), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "fits nothing" in done.stderr
    assert "Traceback" not in done.stderr
