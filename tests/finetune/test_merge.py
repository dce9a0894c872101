"""The merged model is the trained one, whatever kind of adapter it was trained with."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn.modules import Linear4bit
from transformers import AutoModelForCausalLM, AutoTokenizer
from typer.testing import CliRunner

from finetune.differences import relative_logit_error
from finetune.examples import Example
from finetune.fold import fold_in
from finetune.merge import merge
from finetune.model import TrainedAs, load_base, load_trained
from finetune.tune import tune
from finetune.verification import read_verification
from finetune.verify import verify
from onbrand.artifact import read_manifest, write_manifest
from onbrand.cli.app import app
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from tests.finetune.merging import CPU, QLORA, make_adapter, on_the_original_base
from tests.finetune.tuned import configure

LIMIT = 1e-5


@pytest.fixture
def tuned(tuned_once: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(tuned_once, tmp_path / "workspace"))


@pytest.fixture
def example() -> Example:
    return Example("x", "write", [1, 50, 60, 70, 80, 90], [100, 110, 120, 2])


@pytest.mark.parametrize("method", ["qlora", "lora"])
@pytest.mark.parametrize(
    "kind", [{}, {"use_rslora": True}, {"use_dora": True}, {"use_rslora": True, "use_dora": True}]
)
def test_every_kind_of_adapter(
    tiny_llama: Path, tmp_path: Path, example: Example, method: str, kind: dict[str, bool]
) -> None:
    make_adapter(tiny_llama, tmp_path, method, **kind)
    trained = load_trained(tiny_llama, tmp_path, TrainedAs(method, torch.float32))
    plain = AutoModelForCausalLM.from_pretrained(tiny_llama)
    assert relative_logit_error(trained, plain, [example]) > 0.05, "the adapter does nothing"
    fold_in(trained, plain)
    assert relative_logit_error(trained, plain, [example]) < LIMIT


def test_merged_equals_trained_and_the_files_are_complete(
    merged_once: Path, tiny_llama: Path
) -> None:
    workspace = Workspace(merged_once)
    verification = read_verification(workspace.verification)
    assert verification is not None
    assert verification.passed
    assert verification.value("relative_logit_error") < LIMIT
    assert verification.stops.stopped == verification.stops.prompts == 1
    losses = verification.held_out_loss
    assert losses["merged"] == pytest.approx(losses["adapter"], abs=1e-5)
    assert losses["merged"] < losses["base"]
    assert merge(workspace, tiny_llama).was_current

    tokenizer = AutoTokenizer.from_pretrained(workspace.merged)
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(tiny_llama).chat_template
    model = AutoModelForCausalLM.from_pretrained(workspace.merged)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert not model.generation_config.do_sample
    assert not hasattr(model.config, "quantization_config")


def test_the_method_is_the_adapters_not_todays_setting(
    tuned: Workspace, tiny_llama: Path, example: Example
) -> None:
    merge(configure(tuned, method="lora"), tiny_llama)
    trained = load_trained(tiny_llama, tuned.adapter, QLORA)
    merged = AutoModelForCausalLM.from_pretrained(tuned.merged)
    assert relative_logit_error(trained, merged, [example]) < LIMIT


def test_a_model_tuned_as_a_whole(tuned: Workspace, tiny_llama: Path) -> None:
    workspace = configure(tuned, method="full", learning_rate=0.003)
    tune(workspace, tiny_llama)
    details = merge(workspace, tiny_llama).manifest.details
    assert details["relative_logit_error"] < LIMIT
    assert details["merged_loss"] == pytest.approx(details["adapter_loss"], abs=1e-5)
    assert details["merged_loss"] < details["base_loss"]
    whole = AutoModelForCausalLM.from_pretrained(workspace.adapter)
    merged = AutoModelForCausalLM.from_pretrained(workspace.merged)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, merged.state_dict()[name]), name
    assert "All weights were tuned" in (workspace.merged / "README.md").read_text()

    # And what did not come from that model is seen.
    with torch.no_grad():
        merged.model.norm.weight[0] += 1e-6
    merged.save_pretrained(workspace.merged)
    verification = verify(workspace, tiny_llama, workspace.merged, TrainedAs("full", torch.float32))
    assert [check.name for check in verification.failed] == ["untouched_change"]


def test_the_original_base_is_not_kept_where_it_is_worse(
    tuned: Workspace, tiny_llama: Path
) -> None:
    outcome = merge(tuned, tiny_llama, onto="original")
    details = outcome.manifest.details
    assert details["original_base_loss"] > details["dequantised_base_loss"]
    assert details["onto"] == "dequantised"
    assert details["relative_logit_error"] < LIMIT
    # Asked for once, it stays what was asked for; asked for otherwise, it is made anew.
    assert merge(tuned, tiny_llama).was_current
    assert merge(tuned, tiny_llama, onto="original").was_current
    assert not merge(tuned, tiny_llama, onto="dequantised").was_current


def test_the_original_base_is_kept_where_it_is_better(tuned: Workspace, tiny_llama: Path) -> None:
    """An adapter whose corrections fit the original weights: it was trained on them."""
    tune(configure(tuned, method="lora"), tiny_llama)
    pretend_method(tuned, "qlora")
    options = ["-w", str(tuned.root), "merge", "--base", "original", "--json"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    details = json.loads(result.stdout)["details"]
    assert details["onto"] == "original"
    assert details["original_base_loss"] < details["dequantised_base_loss"]
    assert details["held_out_loss_rise"] < 0
    verification = read_verification(tuned.verification)
    assert verification is not None
    # It does what it should on that base, and is far from the model that was trained.
    assert verification.value("relative_logit_error") < LIMIT
    assert verification.distance_from_trained > 100 * LIMIT
    card = (tuned.merged / "README.md").read_text()
    assert "the base's original weights" in card
    assert f"{details['original_base_loss']:.4f} onto the original one" in card
    merged = AutoModelForCausalLM.from_pretrained(tuned.merged)
    expected = on_the_original_base(tiny_llama, tuned.adapter)
    assert torch.allclose(
        merged.model.layers[0].mlp.up_proj.weight, expected.model.layers[0].mlp.up_proj.weight
    )


def test_without_validation_texts_there_is_nothing_to_choose_by(
    tuned: Workspace, tiny_llama: Path
) -> None:
    shutil.rmtree(tuned.dataset / "validation")
    with pytest.raises(OnbrandError, match="no validation texts to choose the base by"):
        merge(tuned, tiny_llama, onto="original")


def test_other_weights_in_the_same_folder_are_another_base(
    tuned: Workspace, tiny_llama: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_llama, tmp_path / "base")
    model = AutoModelForCausalLM.from_pretrained(other)
    with torch.no_grad():
        model.model.layers[0].self_attn.q_proj.weight.add_(0.5)
    model.save_pretrained(other)
    with pytest.raises(OnbrandError, match="another base model"):
        merge(tuned, other)


def test_an_adapter_of_another_base_is_refused(tuned: Workspace, smollm2: Path) -> None:
    with pytest.raises(OnbrandError, match="another base model"):
        merge(tuned, smollm2)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGED = r"adapter is damaged \(.+\); run `onbrand tune --force`\."
DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "weights cut off": ("adapter_model.safetensors", cut_off),
    "weights gone": ("adapter_model.safetensors", Path.unlink),
    "no settings": ("adapter_config.json", Path.unlink),
    "settings cut off": ("adapter_config.json", cut_off),
    "other settings": ("adapter_config.json", lambda path: none(path.write_text("{}"))),
}


def none(_: object) -> None:
    """Whatever a function gives back."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_adapter_is_told(tuned: Workspace, tiny_llama: Path, damage: str) -> None:
    name, do = DAMAGES[damage]
    do(tuned.adapter / name)
    with pytest.raises(OnbrandError, match=DAMAGED):
        merge(tuned, tiny_llama)


def test_a_damaged_model_that_was_tuned_as_a_whole(tuned: Workspace, tiny_llama: Path) -> None:
    tune(configure(tuned, method="full", max_steps=1, samples=0), tiny_llama)
    cut_off(tuned.adapter / "model.safetensors")
    with pytest.raises(OnbrandError, match=DAMAGED):
        merge(tuned, tiny_llama)


def test_an_evaluation_pass_leaves_the_weights_as_they_are(
    tiny_llama: Path, example: Example
) -> None:
    model = load_base(tiny_llama, "qlora", CPU, torch.float32)
    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    before = [layer.weight.data.clone() for layer in layers]
    with torch.no_grad():
        model.eval()(input_ids=torch.tensor([example.prompt + example.answer]))
    assert layers
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)  # also on other CPUs
    for layer, weight in zip(layers, before, strict=True):
        assert torch.equal(layer.weight.data, weight)


def pretend_method(workspace: Workspace, method: str) -> None:
    """Let the adapter's manifest say that it was trained otherwise than it was."""
    manifest: Any = read_manifest(workspace.adapter)
    manifest.details["method"] = method
    write_manifest(workspace.adapter, manifest)
