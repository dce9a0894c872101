"""What must not change a run's result, through the command line, in fp32."""

import signal
import subprocess

import pytest
from safetensors.torch import load_file

from onbrand.artifact import required_manifest
from onbrand.workspace import Workspace
from tests.finetune.tuned import (
    configure,
    log_of,
    losses,
    started_and_at_a_checkpoint,
    tune_command,
    tuned,
)

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

    first = started_and_at_a_checkpoint(workspace, "--force")
    first.kill()
    assert first.wait() == -signal.SIGKILL, "the run ended before it could be killed"

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


def test_two_processes_equal_one_with_the_doubled_batch(workspace: Workspace) -> None:
    """Four examples of a step for each; with 8 at once the second process has nothing to do."""
    settings = {**SHORT, "batch_size": 8, "checkpoint_steps": 4}
    alone = tuned(workspace, **settings, micro_batch_size=8)
    expected = [row.get("validation_loss", 0.0) for row in alone]
    for at_once in (2, 8):
        both = tuned(workspace, "--force", "--processes", "2", micro_batch_size=at_once)
        assert required_manifest(workspace.adapter, "", "").counts["processes"] == 2
        assert losses(both) == pytest.approx(losses(alone), abs=1e-5)
        judged = [row.get("validation_loss", 0.0) for row in both]
        assert judged == pytest.approx(expected, abs=1e-5)


def test_a_failure_in_one_of_two_processes_is_one_sentence(workspace: Workspace) -> None:
    configure(workspace, modules=["no_such_module"])
    done = subprocess.run(
        tune_command(workspace, "--processes", "2"), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2, "as with one process: what is configured cannot be right"
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, done.stderr
    assert "[tune] modules: 'no_such_module' fits no layer" in errors[0]
    assert "Traceback" not in done.stderr
