import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from finetune import plan as planning
from finetune.memory import shapes_of
from finetune.model import add_adapter, load_base, parameter_counts
from finetune.plan import make_plan
from onbrand.cli.app import app
from onbrand.config import Tune
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace


@pytest.mark.parametrize("modules", ["all-linear", ["q_proj", "v_proj"], r".*\.0\.mlp\..*_proj"])
@pytest.mark.parametrize("method", ["qlora", "lora"])
def test_parameters_are_those_of_the_loaded_model(
    tiny_llama: Path, method: str, modules: str | list[str]
) -> None:
    settings = Tune.model_validate({"method": method, "modules": modules, "rank": 4})
    shapes = shapes_of(str(tiny_llama), settings)
    base = load_base(tiny_llama, method, torch.device("cpu"), torch.float32)
    trainable, total = parameter_counts(add_adapter(base, settings))
    assert shapes.trainable == trainable
    assert shapes.parameters == total - trainable


def test_what_fits_no_layer_is_said_with_the_names_that_would(tiny_llama: Path) -> None:
    with pytest.raises(UsageError, match=r"fits no layer; this model has down_proj, gate_proj"):
        shapes_of(str(tiny_llama), Tune(modules=["query"]))


def test_a_folder_without_a_causal_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(OnbrandError, match="holds no causal language model"):
        shapes_of(str(tmp_path), Tune())


def test_the_plan_is_what_tuning_then_does(workspace: Workspace, tiny_llama: Path) -> None:
    from finetune.tune import tune

    plan = make_plan(workspace, tiny_llama)
    done = tune(workspace, tiny_llama).manifest
    assert plan.steps == done.counts["steps"]
    assert plan.examples == done.counts["examples"]
    assert plan.answer_tokens * 4 == done.counts["tokens"], "four epochs"
    assert plan.shapes.trainable == done.counts["trainable_parameters"]


def test_a_run_that_cannot_fit_is_refused_with_the_reason(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_free_bytes", lambda _: 100_000_000)
    arguments = ["-w", str(workspace.root), "tune", "--plan"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, OnbrandError)
    assert re.search(
        r"takes about 0\.9 GB and 0\.1 GB are free on cpu; lower", str(result.exception)
    )
    assert "memory at the peak" in result.stdout, "the plan is shown all the same"


def test_examples_are_shown_with_the_trained_part_marked(workspace: Workspace) -> None:
    result = CliRunner().invoke(app, ["-w", str(workspace.root), "tune", "--show", "3"])
    assert result.exit_code == 0, result.output
    shown = re.findall(r"Write an Instagram post\..*?⟦(.*?)⟧", result.stdout, re.DOTALL)
    assert len(shown) == 3
    for answer in shown:
        assert answer.startswith("Ahoy, shipmate number")
        assert answer.endswith("Fair winds.<|im_end|>")


def test_showing_no_example_is_no_run(workspace: Workspace) -> None:
    result = CliRunner().invoke(app, ["-w", str(workspace.root), "tune", "--show", "0"])
    assert result.exit_code == 2
    assert not workspace.adapter.exists()


def test_plan_and_show_are_two_questions(workspace: Workspace) -> None:
    result = CliRunner().invoke(app, ["-w", str(workspace.root), "tune", "--plan", "--show", "1"])
    assert isinstance(result.exception, UsageError)


@pytest.mark.slow
def test_memory_is_foretold_within_a_quarter(workspace: Workspace, smollm2: Path) -> None:
    """Against the largest resident set of the real command, on the real small model."""
    toml = workspace.root / "brand.toml"
    text = re.sub(r"^base = .*$", 'base = "smollm2-135m"', toml.read_text(), flags=re.MULTILINE)
    toml.write_text(text + "\nmax_steps = 2\nmicro_batch_size = 8\n")
    command = [sys.executable, "-m", "onbrand", "-w", str(workspace.root), "tune"]
    said = subprocess.run(
        [*command, "--plan", "--json"], capture_output=True, text=True, check=True
    )
    memory = json.loads(said.stdout)["memory"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert isinstance(usage, resource.struct_rusage)
    foretold = sum(memory.values())
    assert foretold == pytest.approx(usage.ru_maxrss * 1024, rel=0.25), (memory, usage.ru_maxrss)
