"""A run that cannot fit is refused, with advice that is not followed yet."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from finetune import plan as planning
from finetune.fit import refuse_what_cannot_fit
from finetune.memory import Memory, memory_of, shapes_of
from finetune.plan import Plan
from finetune.tune import tune
from onbrand.cli.app import app
from onbrand.config import Tune
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from tests.finetune.tuned import configure

SMALL = 100_000_000
GIGABYTE = 10**9


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_free_bytes", lambda _: SMALL)


@pytest.mark.usefixtures("little_memory")
def test_a_plan_that_cannot_fit_is_refused_with_the_reason(workspace: Workspace) -> None:
    result = CliRunner().invoke(app, ["-w", str(workspace.root), "tune", "--plan"])
    assert isinstance(result.exception, OnbrandError)
    assert re.search(
        r"takes about 0\.9 GB and 0\.1 GB are free on cpu; name", str(result.exception)
    )
    assert "memory at the peak" in result.stdout, "the plan is shown all the same"


@pytest.mark.usefixtures("little_memory")
def test_tuning_itself_refuses_unless_it_is_forced(workspace: Workspace, tiny_llama: Path) -> None:
    space = configure(workspace, max_steps=2, samples=0)
    with pytest.raises(OnbrandError, match="`onbrand tune --force` tries it all the same"):
        tune(space, tiny_llama)
    assert not space.adapter.parent.exists(), "nothing was begun"
    assert tune(space, tiny_llama, force=True).manifest.counts["steps"] == 2


def test_what_was_begun_is_gone_on_with(
    workspace: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has shown that it fits; with --force it would begin anew."""
    space = configure(workspace, max_steps=4, checkpoint_steps=1, samples=0)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("finetune.tune.write_result", killed)
        with pytest.raises(KeyboardInterrupt):
            tune(space, tiny_llama)
    monkeypatch.setattr(planning, "_free_bytes", lambda _: SMALL)
    assert tune(space, tiny_llama).manifest.counts["steps"] == 4


def plan_of(memory: dict[str, int], **fields: Any) -> Plan:
    shapes = dict.fromkeys(planning.Shapes.model_fields, 1)
    known = {
        "device": "cpu",
        "dtype": "float32",
        "processes": 1,
        "shapes": shapes,
        "memory": Memory(**dict.fromkeys(Memory.model_fields, 0) | memory),
        "free_bytes": 4 * GIGABYTE,
        "seconds": 1.0,
    }
    counts = dict.fromkeys(("examples", "tokens", "answer_tokens", "computed_tokens", "steps"), 1)
    return Plan.model_validate(known | counts | fields)


ACTIVATIONS = {"weights": GIGABYTE, "activations": 9 * GIGABYTE}
WEIGHTS = {"weights": 9 * GIGABYTE, "activations": GIGABYTE}


@pytest.mark.parametrize(
    ("memory", "fields", "settings", "advice"),
    [
        (
            ACTIVATIONS,
            {},
            {},
            "lower [tune] micro_batch_size (8), set [tune] recompute = true, lower [tune] "
            "max_tokens (384), or name a smaller model in [model] base",
        ),
        (
            ACTIVATIONS,
            {},
            {"micro_batch_size": 1, "recompute": True, "max_tokens": 64},
            "lower [tune] max_tokens (64), or name a smaller model in [model] base",
        ),
        (WEIGHTS, {}, {}, "name a smaller model in [model] base"),
        (
            WEIGHTS,
            {},
            {"method": "full"},
            'take [tune] method = "qlora", or name a smaller model in [model] base',
        ),
        (
            WEIGHTS,
            {"processes": 2},
            {"shard": True},
            "start fewer --processes, or name a smaller model in [model] base",
        ),
        (
            WEIGHTS,
            {"processes": 2, "device": "cuda:0"},
            {},
            "set [tune] shard = true, or name a smaller model in [model] base",
        ),
        (
            WEIGHTS,
            {"device": "cuda:0"},
            {},
            "start --processes 4 with [tune] shard = true, or name a smaller model in [model] base",
        ),
        (
            WEIGHTS,
            {"processes": 2, "device": "cuda:0"},
            {"shard": True},
            "start --processes 4, or name a smaller model in [model] base",
        ),
        (
            WEIGHTS,
            {"processes": 4, "device": "cuda:0"},
            {"shard": True},
            "name a smaller model in [model] base",
        ),
    ],
)
def test_the_advice_is_what_is_not_set_yet(
    memory: dict[str, int],
    fields: dict[str, Any],
    settings: dict[str, Any],
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine with four GPUs, as far as PyTorch is asked."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(OnbrandError) as caught:
        refuse_what_cannot_fit(plan_of(memory, **fields), Tune.model_validate(settings))
    assert f"; {advice}; `onbrand tune --force`" in str(caught.value)


def test_what_fits_is_not_refused() -> None:
    refuse_what_cannot_fit(plan_of({"weights": GIGABYTE}), Tune())


@pytest.mark.parametrize("method", ["qlora", "full"])
def test_shares_take_less_on_a_gpu(smollm2: Path, method: str) -> None:
    shapes = shapes_of(str(smollm2), Tune.model_validate({"method": method}))

    def held(shares: int) -> Memory:
        return memory_of(shapes, 1, 256, 64, torch.bfloat16, "cuda", shares=shares)

    alone, halves, eighths = held(1), held(2), held(8)
    assert alone.adapter == pytest.approx(2 * halves.adapter, abs=2)
    assert alone.fixed > halves.fixed > eighths.fixed
    assert alone.activations == halves.activations


def test_on_a_cpu_every_process_loads_the_whole_first(smollm2: Path) -> None:
    shapes = shapes_of(str(smollm2), Tune(method="full"))
    shared = memory_of(shapes, 1, 8, 4, torch.float32, "cpu", shares=16)
    assert shared.needed >= shapes.parameters * 4 + shared.process


@pytest.mark.usefixtures("little_memory")
def test_processes_on_a_cpu_share_its_memory(workspace: Workspace, tiny_llama: Path) -> None:
    two = planning.make_plan(workspace, tiny_llama, 2)
    assert two.free_bytes == SMALL // 2
    result = CliRunner().invoke(
        app, ["-w", str(workspace.root), "tune", "--plan", "--processes", "2"]
    )
    assert isinstance(result.exception, OnbrandError)
    assert "0.9 GB in each of 2 processes and 0.1 GB are free for each" in str(result.exception)
    assert "start fewer --processes" in str(result.exception)
