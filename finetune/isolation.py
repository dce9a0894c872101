"""Does this model keep packed examples apart? Tried, not looked up in a list of architectures.

A model with recurrent layers, or an attention that takes no mask of its own, would let an example
see its neighbours. Such a model gets padded batches, grouped by length, instead. So does one whose
layers see a window that an example is longer than: in a row's own mask there is no window.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch

from finetune.examples import Example
from finetune.loss import evaluating, token_losses
from finetune.model import mixed_precision
from finetune.sharding import forget_failed_pass
from finetune.token_tree import TokenTree, padded_batch

_TOKENS = 24
"""Of an answer, in the trial."""
_LIMIT = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""Largest mean difference of a token's loss, nats: rounding, not a leak."""


@torch.no_grad()
def keeps_examples_apart(
    model: Any, examples: Sequence[Example], pad_id: int, device: torch.device, dtype: torch.dtype
) -> bool:
    """Has each token the same loss in a packed row as in a row of its own?"""
    if _window_of(model) < max(map(len, examples)):
        return False
    trial = [
        Example(example.record_id, example.form, example.prompt, example.answer[:_TOKENS])
        for example in examples[:3]
    ]
    with evaluating(model), mixed_precision(device, dtype):
        apart = token_losses(model, padded_batch(trial, pad_id, device))
        try:
            packed = token_losses(model, TokenTree(trial).batch(device))
        except (RuntimeError, ValueError, TypeError):  # it takes no such mask at all
            forget_failed_pass(model)
            return False
    return float((packed - apart).abs().mean()) <= _LIMIT[dtype]


def _window_of(model: Any) -> float:
    """The fewest tokens back that a layer sees; infinite where each sees all."""
    config = getattr(model, "config", None)
    text = config.get_text_config() if config is not None else None
    if not getattr(text, "use_sliding_window", True):
        return math.inf
    windows = (getattr(text, name, None) for name in ("sliding_window", "attention_chunk_size"))
    return min((window for window in windows if window), default=math.inf)
