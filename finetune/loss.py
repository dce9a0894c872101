"""The loss that training minimises and validation measures: nats per answer token."""

from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy

from finetune.batches import IGNORED, collate
from finetune.examples import Example


def answer_loss(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Sum over the batch of -log p(token), over answer tokens only; a scalar in fp32.

    The sum, not the mean: divided by the answer tokens of the whole optimiser step, accumulated
    micro-batches equal one large batch whatever the lengths are.

    Only positions that predict an answer token go through the vocabulary projection, which for a
    small model is the most expensive layer.
    """
    labels = batch["labels"][:, 1:]
    wanted = labels != IGNORED
    causal_lm: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    hidden = causal_lm.get_decoder()(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
    )[0]
    logits = causal_lm.get_output_embeddings()(hidden[:, :-1][wanted])
    return cross_entropy(logits.float(), labels[wanted], reduction="sum")


@torch.no_grad()
def mean_loss(
    model: Any, examples: Sequence[Example], batch_size: int, pad_id: int, device: torch.device
) -> float:
    """Mean loss per answer token over `examples`, in evaluation mode; the mode is restored."""
    was_training = model.training
    model.eval()
    in_order = sorted(examples, key=len)
    total, tokens = 0.0, 0
    for start in range(0, len(in_order), batch_size):
        part = in_order[start : start + batch_size]
        total += answer_loss(model, collate(part, pad_id, device)).item()
        tokens += sum(len(example.answer) for example in part)
    model.train(was_training)
    return total / max(tokens, 1)
