"""The loss that training minimises and validation measures: nats per answer token."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy

from finetune.examples import Example
from finetune.token_tree import Batch, padded_batch


def token_losses(model: Any, batch: Batch) -> torch.Tensor:
    """-log p of each answer token, in fp32, shape (A,), in the examples' order."""
    causal_lm: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    # A sharded model has a method of its own for it, which gathers the weights.
    logits_of = getattr(causal_lm, "answer_logits", partial(answer_logits, causal_lm))
    return cross_entropy(logits_of(batch).float(), batch["targets"], reduction="none")


def answer_logits(causal_lm: Any, batch: Batch) -> torch.Tensor:
    """Logits for each answer token, shape (A, vocabulary).

    Only positions that predict an answer token go through the vocabulary projection, which for a
    small model is the most expensive layer.
    """
    hidden = causal_lm.get_decoder()(
        input_ids=batch["input_ids"],
        position_ids=batch["position_ids"],
        attention_mask=batch["attention_mask"],
        use_cache=False,
    )[0]
    logits: torch.Tensor = causal_lm.get_output_embeddings()(hidden.flatten(0, 1)[batch["sources"]])
    return logits


def answer_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Sum of the token losses; a scalar.

    The sum, not the mean: divided by the answer tokens of the whole optimiser step, accumulated
    forward passes equal one large batch whatever the lengths are.
    """
    return token_losses(model, batch).sum()


@torch.no_grad()
def total_loss(
    model: Any, examples: Sequence[Example], batch_size: int, pad_id: int, device: torch.device
) -> float:
    """Sum of the token losses of `examples`, in evaluation mode; the mode is restored."""
    in_order = sorted(examples, key=len)
    with evaluating(model):
        return sum(
            answer_loss(
                model, padded_batch(in_order[start : start + batch_size], pad_id, device)
            ).item()
            for start in range(0, len(in_order), batch_size)
        )


def mean_loss(
    model: Any, examples: Sequence[Example], batch_size: int, pad_id: int, device: torch.device
) -> float:
    """Mean loss per answer token over `examples`, in evaluation mode."""
    tokens = sum(len(example.answer) for example in examples)
    return total_loss(model, examples, batch_size, pad_id, device) / max(tokens, 1)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode for a while; then the mode that was."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
