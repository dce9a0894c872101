"""Bases whose own loss is another than the one tuning computes, and those that see a window."""

import random
from typing import Any

import pytest
import torch
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from finetune.examples import Example
from finetune.isolation import keeps_examples_apart
from finetune.own_loss import refuse_other_loss
from onbrand.errors import UsageError

CPU = torch.device("cpu")
SIZES: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.5,
    "max_position_embeddings": 512,
}


def examples_of(length: int) -> list[Example]:
    draw = random.Random(1)
    return [
        Example(str(n), "write", [1, 2, n], [draw.randrange(3, 60) for _ in range(length)])
        for n in (3, 4, 5)
    ]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (GraniteConfig(**SIZES, logits_scaling=8.0), GraniteForCausalLM),
        (CohereConfig(**SIZES, logit_scale=0.0625), CohereForCausalLM),
        (Gemma2Config(**SIZES, head_dim=8, final_logit_softcapping=2.0), Gemma2ForCausalLM),
    ],
    ids=["granite", "cohere", "gemma2"],
)
def test_a_model_that_changes_its_logits_is_refused(config: Any, kind: Any) -> None:
    torch.manual_seed(0)
    with pytest.raises(UsageError, match=f"a {kind.__name__}, changes its logits after"):
        refuse_other_loss(kind(config), examples_of(8), 0, CPU, torch.float32)


def test_a_llama_is_taken_as_it_is() -> None:
    model = LlamaForCausalLM(LlamaConfig(**SIZES))
    refuse_other_loss(model, examples_of(8), 0, CPU, torch.float32)


def test_examples_longer_than_a_window_are_not_packed() -> None:
    torch.manual_seed(0)
    model = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=32))
    assert keeps_examples_apart(model, examples_of(20), 0, CPU, torch.float32)
    assert not keeps_examples_apart(model, examples_of(40), 0, CPU, torch.float32)
