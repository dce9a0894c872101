"""The merged model is the trained one; each known wrong way is caught."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from bitsandbytes.nn.modules import Linear4bit
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.batches import collate
from finetune.examples import Example
from finetune.merge import fold_in, merge
from finetune.model import TrainedAs, load_base, load_trained
from finetune.verify import relative_logit_error, verify
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

CPU = torch.device("cpu")
LIMIT = 1e-5
QLORA = TrainedAs("qlora", torch.float32)


@pytest.fixture
def tuned(tuned_once: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(tuned_once, tmp_path / "workspace"))


@pytest.fixture
def example() -> Example:
    return Example("x", "write", [1, 50, 60, 70, 80, 90], [100, 110, 120, 2])


def test_merged_equals_trained_and_the_files_are_complete(
    tuned: Workspace, tiny_llama: Path
) -> None:
    merge(tuned, tiny_llama)
    verification = json.loads(tuned.verification.read_text())
    errors = {check["name"]: check["value"] for check in verification["checks"]}
    assert verification["passed"]
    assert errors["relative_logit_error"] < LIMIT
    assert errors["fresh_process_differs"] == 0
    losses = verification["held_out_loss"]
    assert losses["merged"] == pytest.approx(losses["adapter"], abs=1e-5)
    assert losses["merged"] < losses["base"]
    assert merge(tuned, tiny_llama).was_current

    tokenizer = AutoTokenizer.from_pretrained(tuned.merged)
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(tiny_llama).chat_template
    model = AutoModelForCausalLM.from_pretrained(tuned.merged)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert not model.generation_config.do_sample
    assert not hasattr(model.config, "quantization_config")


def test_the_known_wrong_ways_give_another_model(
    tuned: Workspace, tiny_llama: Path, example: Example
) -> None:
    trained = load_trained(tiny_llama, tuned.adapter, QLORA)
    right = AutoModelForCausalLM.from_pretrained(tiny_llama)
    fold_in(trained, right)
    assert relative_logit_error(trained, right, [example]) < LIMIT

    on_original = load_trained(tiny_llama, tuned.adapter, TrainedAs("lora", torch.float32))
    on_original = on_original.merge_and_unload()
    in_four_bit = load_trained(tiny_llama, tuned.adapter, QLORA).merge_and_unload()
    without_adapter = AutoModelForCausalLM.from_pretrained(tiny_llama)
    for wrong in (on_original, in_four_bit, without_adapter):
        assert relative_logit_error(trained, wrong, [example]) > 100 * LIMIT


@pytest.mark.parametrize(
    ("damage", "caught_by"),
    [
        ("weights", "relative_logit_error"),
        ("norm", "untouched_change"),
        ("embeddings", "embedding_change"),
        ("template", "chat_template_change"),
        ("head", "tie_lost"),
        ("adapter", "unused_adapter_tensors"),
    ],
)
def test_verification_catches_damage(
    tuned: Workspace, tiny_llama: Path, damage: str, caught_by: str
) -> None:
    merge(tuned, tiny_llama)
    model = AutoModelForCausalLM.from_pretrained(tuned.merged)
    tokenizer = AutoTokenizer.from_pretrained(tuned.merged)
    with torch.no_grad():
        if damage == "weights":
            model.model.layers[0].self_attn.q_proj.weight.mul_(1.01)
        elif damage == "norm":  # too little for the logits to show
            model.model.norm.weight[0] += 1e-6
        elif damage == "adapter":
            file = tuned.adapter / "adapter_model.safetensors"
            save_file(
                load_file(file) | {"base_model.model.lost.lora_A.weight": torch.ones(2)}, file
            )
        elif damage == "embeddings":
            model.get_input_embeddings().weight[5] += 1e-3
        elif damage == "head":
            head = torch.nn.Parameter(model.get_input_embeddings().weight.clone())
            model.lm_head.weight = head
            model.config.tie_word_embeddings = False
        else:
            tokenizer.chat_template = "{{ messages }}"
    model.save_pretrained(tuned.merged)
    tokenizer.save_pretrained(tuned.merged)
    verification = verify(tuned, tiny_llama, QLORA, "")
    assert not verification.passed
    assert caught_by in [check.name for check in verification.checks if not check.passed]


def test_the_method_is_the_adapters_not_todays_setting(tuned: Workspace, tiny_llama: Path) -> None:
    toml = tuned.root / "brand.toml"
    toml.write_text(toml.read_text() + '\nmethod = "lora"\n')
    merge(Workspace(tuned.root), tiny_llama)
    trained = load_trained(tiny_llama, tuned.adapter, QLORA)
    merged = AutoModelForCausalLM.from_pretrained(tuned.merged)
    example = Example("x", "write", [1, 50, 60, 70, 80, 90], [100, 110, 120, 2])
    assert relative_logit_error(trained, merged, [example]) < LIMIT


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


def test_an_evaluation_pass_leaves_the_weights_as_they_are(
    tiny_llama: Path, example: Example
) -> None:
    model = load_base(tiny_llama, "qlora", CPU, torch.float32)
    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    before = [layer.weight.data.clone() for layer in layers]
    with torch.no_grad():
        model.eval()(input_ids=collate([example], 2, CPU)["input_ids"])
    assert layers
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)  # also on other CPUs
    for layer, weight in zip(layers, before, strict=True):
        assert torch.equal(layer.weight.data, weight)
