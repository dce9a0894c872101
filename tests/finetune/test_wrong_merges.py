"""Each known wrong way to merge, written to `models/merged/`, is caught by the verification.

What is about numbers is tried with a base in fp32 and with one in bf16, whose rounding hides more.
"""

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


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    """That the base and the merged model are stored in."""
    kind: torch.dtype = request.param
    return kind


@pytest.fixture
def stored(
    dtype: torch.dtype, request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[Workspace, Path]:
    """A copy of a workspace with a good merge, and its base."""
    names = {
        torch.float32: ("merged_once", "tiny_llama"),
        torch.bfloat16: ("merged_in_bf16", "tiny_llama_in_bf16"),
    }[dtype]
    root, base = map(request.getfixturevalue, names)
    return Workspace(shutil.copytree(root, tmp_path / "workspace")), base


def failures(workspace: Workspace, base: Path) -> dict[str, float]:
    """What does not pass, with its value; as JSON it says the same."""
    verification = verify(workspace, base, workspace.merged, QLORA)
    stored = Verification.model_validate_json(verification.model_dump_json())
    assert stored.passed == verification.passed == (not verification.failed)
    return {check.name: check.value for check in verification.failed}


def test_the_right_way_passes(stored: tuple[Workspace, Path]) -> None:
    assert failures(*stored) == {}


@pytest.mark.parametrize("way", [on_the_original_base, in_four_bit, after_an_evaluation])
def test_another_sum(
    stored: tuple[Workspace, Path], dtype: torch.dtype, way: Callable[[Path, Path], Any]
) -> None:
    workspace, base = stored
    way(base, workspace.adapter).to(dtype).save_pretrained(workspace.merged)
    assert {"relative_logit_error", "weight_error"} <= set(failures(workspace, base))


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
    """One matrix, by a hundredth: in bf16 the logits do not show it."""
    model.model.layers[0].self_attn.q_proj.weight.mul_(1.01)


def _norm(model: Any, _: Any) -> None:
    model.model.norm.weight[0] += torch.finfo(model.dtype).eps  # the least that can be


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


NUMBERS = [
    (_weights, "weight_error"),
    (_norm, "untouched_change"),
    (_embeddings, "embedding_change"),
]


@pytest.mark.parametrize(("damage", "caught_by"), NUMBERS)
def test_damaged_numbers(
    stored: tuple[Workspace, Path], damage: Callable[[Any, Any], None], caught_by: str
) -> None:
    damaged(stored[0], damage)
    assert caught_by in failures(*stored)


@pytest.mark.parametrize(
    ("damage", "caught_by"),
    [
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
    damaged(merged, damage)
    assert caught_by in failures(merged, tiny_llama)


def damaged(workspace: Workspace, damage: Callable[[Any, Any], None]) -> None:
    model = AutoModelForCausalLM.from_pretrained(workspace.merged)
    tokenizer = AutoTokenizer.from_pretrained(workspace.merged)
    with torch.no_grad():
        damage(model, tokenizer)
    model.save_pretrained(workspace.merged)
    tokenizer.save_pretrained(workspace.merged)


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
    with pytest.raises(OnbrandError, match="has 1000 embeddings, fewer than"):
        verify(merged, tiny_llama, merged.merged, QLORA)
