import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config
from typer.testing import CliRunner

from finetune import plan as planning
from finetune.memory import shapes_of
from finetune.model import add_adapter, load_base, parameter_counts
from finetune.plan import make_plan
from onbrand.cli.app import app
from onbrand.config import Tune
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from tests.finetune.tuned import configure


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


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        (["query"], "'query' fits no layer that can be adapted; this model has down_proj, gate_p"),
        (["q_proj", "v_prj"], "modules: 'v_prj' fits no layer"),
        (["q_proj", "lm_head"], "modules: 'lm_head' fits no layer"),
        ("q_proj", "give a list: ['q_proj']"),
        ("q_proj(", "is no regular expression (missing )"),
    ],
)
def test_what_fits_no_layer_is_said_with_the_names_that_would(
    tiny_llama: Path, modules: str | list[str], said: str
) -> None:
    settings = Tune.model_validate({"modules": modules})
    with pytest.raises(UsageError, match=re.escape(said)):
        shapes_of(str(tiny_llama), settings)
    base = load_base(tiny_llama, "lora", torch.device("cpu"), torch.float32)
    with pytest.raises(UsageError, match=re.escape(said)):
        add_adapter(base, settings)


def test_layers_of_gpt_2_count_too(tmp_path: Path) -> None:
    """It keeps them in a class of its own, the weights the other way round."""
    config = GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=99, n_positions=64)
    config.save_pretrained(tmp_path)
    model = AutoModelForCausalLM.from_config(config)
    for kind in ({}, {"dora": True}, {"modules": ["c_attn"]}):
        settings = Tune.model_validate({"method": "lora", "rank": 4, **kind})
        trainable, _ = parameter_counts(add_adapter(copy.deepcopy(model), settings))
        assert shapes_of(str(tmp_path), settings).trainable == trainable, kind


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


@pytest.mark.parametrize("packing", [True, False])
def test_the_tokens_are_those_that_tuning_computes(
    workspace: Workspace, tiny_llama: Path, packing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed, a shared beginning counts once; padded, the padding counts too."""
    from finetune import loop
    from finetune.tune import tune

    space = configure(workspace, packing=packing, max_steps=7, micro_batch_size=3, samples=0)
    plan = make_plan(space, tiny_llama)
    computed = []
    real = loop.make_batch

    def counted(*arguments: Any) -> Any:
        batch = real(*arguments)
        computed.append(batch["input_ids"].numel())
        return batch

    monkeypatch.setattr(loop, "make_batch", counted)
    tune(space, tiny_llama)
    assert plan.computed_tokens == sum(computed)
    if packing:
        assert plan.computed_tokens < 0.8 * 7 * 8 * plan.tokens / plan.examples


def test_two_gpus_take_half_the_time(
    workspace: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the plan would be with GPUs; two processes on one CPU take as long as one."""
    monkeypatch.setattr(planning, "_operations_per_second", lambda *_: 1e9)
    monkeypatch.setattr(planning, "_free_bytes", lambda _: 10**12)
    monkeypatch.setattr(planning, "compute_dtype", lambda _: torch.bfloat16)
    space = configure(workspace, micro_batch_size=1)
    seconds = {}
    for device in ("cpu", "cuda"):
        monkeypatch.setattr(planning, "pick_device", lambda device=device: torch.device(device))
        seconds[device] = [make_plan(space, tiny_llama, count).seconds for count in (1, 2)]
    assert seconds["cpu"][0] == seconds["cpu"][1] == seconds["cuda"][0]
    assert seconds["cuda"][1] == pytest.approx(seconds["cuda"][0] / 2, rel=0.05)


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
    ran = subprocess.run(
        [sys.executable, "-c", _PEAK, *command], capture_output=True, text=True, check=True
    )
    foretold, measured = sum(memory.values()), int(ran.stdout) * 1024
    assert foretold == pytest.approx(measured, rel=0.25), memory


_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Started from a small process: what the one that starts a command holds counts as its peak too."""
