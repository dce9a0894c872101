"""The operations a plan reckons with are those that PyTorch counts in a training step."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from finetune.arithmetic import operations
from finetune.examples import Example
from finetune.loss import answer_loss
from finetune.memory import shapes_of
from finetune.model import load_base, trainable_model
from finetune.token_tree import TokenTree
from onbrand.config import Tune

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=[True, False], ids=["tied", "untied"])
def deep_llama(
    request: pytest.FixtureRequest, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """So many layers that the first one, whose input needs no gradient, counts for little."""
    folder = tmp_path_factory.mktemp("deep-llama")
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=12,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=request.param,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_llama).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "full"},
        {"method": "full", "recompute": True},
        {"method": "lora"},
        {"method": "lora", "rank": 64, "recompute": True},
        {"method": "lora", "modules": ["q_proj", "v_proj"]},
    ],  # not qlora, of whose products PyTorch counts one of two; their number is that of lora
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_operations_of_a_step(deep_llama: Path, settings: dict[str, Any]) -> None:
    tune = Tune.model_validate(settings)
    model = trainable_model(load_base(deep_llama, tune.method, CPU, torch.float32), tune).train()
    model.config._attn_implementation = "eager"  # the counter knows no other of a CPU's
    tree = TokenTree(
        [Example(str(n), "write", [1, 5, 6], [7 + n, *range(20, 90)]) for n in range(3)]
    )
    counter = FlopCounterMode(display=False)
    with counter:
        answer_loss(model, tree.batch(CPU)).backward()  # type: ignore[no-untyped-call]
    shapes = shapes_of(str(deep_llama), tune)
    foretold = operations(shapes, 1, len(tree), tree.answer_tokens, recompute=tune.recompute)
    assert foretold == pytest.approx(counter.get_total_flops(), rel=0.05)


def test_six_for_trained_weights_and_four_for_frozen_ones(smollm2: Path) -> None:
    """Of short rows, where attention is little, and without a token to predict."""
    shapes = {
        method: shapes_of(str(smollm2), Tune.model_validate({"method": method}))
        for method in ("full", "qlora")
    }
    each = {
        method: operations(shapes[method], 1, 32, 0, recompute=False) / (32 * shapes[method].body)
        for method in shapes
    }
    assert each["full"] == pytest.approx(6, rel=0.02)
    adapter = 6 * shapes["qlora"].trainable / shapes["qlora"].body
    assert each["qlora"] == pytest.approx(4 + adapter, rel=0.02)
