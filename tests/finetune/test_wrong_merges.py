"""Each known wrong way to merge, written to `models/merged/`, is caught by the verification."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.fold import fold_in
from finetune.model import load_trained
from finetune.verification import Verification
from finetune.verify import verify
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from tests.finetune.merging import (
    QLORA,
    after_an_evaluation,
    in_four_bit,
    on_the_original_base,
    with_embeddings_round_tripped,
)


@pytest.fixture
def merged(merged_once: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(merged_once, tmp_path / "workspace"))


def failures(workspace: Workspace, base: Path) -> dict[str, float]:
    """What does not pass, with its value; the file says the same."""
    verification = verify(workspace, base, QLORA, "")
    stored = Verification.model_validate_json(workspace.verification.read_text())
    assert stored.passed == verification.passed == (not verification.failed)
    assert json.loads(workspace.verification.read_text())["passed"] is verification.passed
    return {check.name: check.value for check in verification.failed}


def test_the_right_way_passes(merged: Workspace, tiny_llama: Path) -> None:
    assert failures(merged, tiny_llama) == {}


@pytest.mark.parametrize("way", [on_the_original_base, in_four_bit, after_an_evaluation])
def test_another_sum(merged: Workspace, tiny_llama: Path, way: Callable[[Path, Path], Any]) -> None:
    way(tiny_llama, merged.adapter).save_pretrained(merged.merged)
    assert failures(merged, tiny_llama)["relative_logit_error"] > 1e-3


def test_repacked_weights_are_refused_by_the_merge_itself(
    merged: Workspace, tiny_llama: Path
) -> None:
    from bitsandbytes.functional import _convert_weight_packed_for_cpu

    trained = load_trained(tiny_llama, merged.adapter, QLORA)
    layer = trained.get_base_model().model.layers[1].mlp.down_proj.get_base_layer()
    layer.weight.data, _ = _convert_weight_packed_for_cpu(
        layer.weight.data, layer.weight.quant_state
    )
    plain = AutoModelForCausalLM.from_pretrained(tiny_llama)
    with pytest.raises(OnbrandError, match=r"layers\.1\.mlp\.down_proj was repacked"):
        fold_in(trained, plain)


def _weights(model: Any, _: Any) -> None:
    model.model.layers[0].self_attn.q_proj.weight.mul_(1.01)


def _norm(model: Any, _: Any) -> None:
    model.model.norm.weight[0] += 1e-6  # too little for the logits to show


def _embeddings(model: Any, _: Any) -> None:
    with_embeddings_round_tripped(model)


def _vocabulary(model: Any, _: Any) -> None:
    model.resize_token_embeddings(model.config.vocab_size + 64)


def _tie(model: Any, _: Any) -> None:
    model.lm_head.weight = torch.nn.Parameter(model.get_input_embeddings().weight.clone())
    model.config.tie_word_embeddings = False


def _end(model: Any, _: Any) -> None:
    model.generation_config.eos_token_id = 7


def _template(_: Any, tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ messages }}"


def _tokens(_: Any, tokenizer: Any) -> None:
    tokenizer.add_tokens(["shipmate"])


def _special(_: Any, tokenizer: Any) -> None:
    tokenizer.eos_token = "<|im_start|>"


@pytest.mark.parametrize(
    ("damage", "caught_by"),
    [
        (_weights, "relative_logit_error"),
        (_norm, "untouched_change"),
        (_embeddings, "embedding_change"),
        (_vocabulary, "embedding_change"),
        (_tie, "tie_lost"),
        (_end, "end_token_lost"),
        (_template, "chat_template_change"),
        (_tokens, "tokenizer_change"),
        (_special, "tokenizer_change"),
    ],
)
def test_damage(
    merged: Workspace, tiny_llama: Path, damage: Callable[[Any, Any], None], caught_by: str
) -> None:
    model = AutoModelForCausalLM.from_pretrained(merged.merged)
    tokenizer = AutoTokenizer.from_pretrained(merged.merged)
    with torch.no_grad():
        damage(model, tokenizer)
    model.save_pretrained(merged.merged)
    tokenizer.save_pretrained(merged.merged)
    assert caught_by in failures(merged, tiny_llama)


def test_an_adapter_tensor_that_nothing_takes(merged: Workspace, tiny_llama: Path) -> None:
    file = merged.adapter / "adapter_model.safetensors"
    save_file(load_file(file) | {"base_model.model.lost.lora_A.weight": torch.ones(2)}, file)
    assert failures(merged, tiny_llama) == {"unused_adapter_tensors": 1}


def test_a_head_that_was_left_out(
    merged: Workspace, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a model with a head of its own: transformers draws another at random, each time."""
    untied = tmp_path / "untied"
    shutil.copytree(tiny_llama, untied)
    base = AutoModelForCausalLM.from_pretrained(tiny_llama)
    with torch.no_grad():
        _tie(base, None)
    base.save_pretrained(untied)
    model = AutoModelForCausalLM.from_pretrained(untied)
    fold_in(load_trained(untied, merged.adapter, QLORA), model)
    model.save_pretrained(merged.merged)
    assert failures(merged, untied) == {}

    file = merged.merged / "model.safetensors"
    weights = load_file(file)
    del weights["lm_head.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    assert {"lost_tensors", "relative_logit_error", "fresh_process_differs"} <= set(
        failures(merged, untied)
    )


def test_fewer_embeddings_than_tokens(merged: Workspace, tiny_llama: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(merged.merged)
    model.resize_token_embeddings(1000)
    model.save_pretrained(merged.merged)
    with pytest.raises(OnbrandError, match="fewer embeddings"):
        verify(merged, tiny_llama, QLORA, "")
