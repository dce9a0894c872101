"""Negative log-likelihood of the second half, given the request and the first half."""

import math
from collections.abc import Sequence

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from eval.half_split import Item

_LOGITS_AT_ONCE = 2**27
"""Largest number of logits computed at once: 512 MB in fp32, and as much again for the loss."""

NO_LABEL = -100


def second_half_nlls(model: PreTrainedModel, batch: Sequence[Item], pad_id: int) -> list[float]:
    """Sum of -ln p over each item's second-half tokens, in nats.

    Raises:
        FloatingPointError: the model computes NaN or infinity.
    """
    nlls = [
        nll
        for part in _that_fit(batch, int(model.config.vocab_size))
        for nll in _score_batch(model, part, pad_id)
    ]
    if not all(map(math.isfinite, nlls)):
        raise FloatingPointError
    return nlls


def _that_fit(batch: Sequence[Item], vocabulary: int) -> list[Sequence[Item]]:
    """Parts of a batch whose logits stay within `_LOGITS_AT_ONCE`."""
    first, last = _span(batch)
    rows = max(1, _LOGITS_AT_ONCE // ((last - first) * vocabulary))
    return [batch[start : start + rows] for start in range(0, len(batch), rows)]


def _span(batch: Sequence[Item]) -> tuple[int, int]:
    """The positions whose logits some row needs: each token is predicted one place earlier."""
    first = min(len(item.context_ids) for item in batch) - 1
    last = max(len(item.context_ids) + len(item.second_ids) for item in batch) - 1
    return first, last


@torch.inference_mode()
def _score_batch(model: PreTrainedModel, batch: Sequence[Item], pad_id: int) -> list[float]:
    """Negative log-likelihood of each row's second half.

    B rows, T the longest, P positions kept: ids [B, T] -> logits [B, P, vocabulary] -> [B].
    """
    first, last = _span(batch)
    width = last + 1
    ids = torch.full((len(batch), width), pad_id, dtype=torch.long)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    labels = torch.full((len(batch), width), NO_LABEL, dtype=torch.long)
    for row, item in enumerate(batch):
        context, total = len(item.context_ids), len(item.context_ids) + len(item.second_ids)
        ids[row, :total] = torch.tensor(item.context_ids + item.second_ids)
        mask[row, :total] = 1
        labels[row, context:total] = ids[row, context:total]
    # The vocabulary is the widest tensor by far, so only the positions that count get logits.
    kept = torch.arange(first, last, device=model.device)
    logits = model(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        logits_to_keep=kept,
        use_cache=False,
    ).logits
    losses = cross_entropy(
        logits.float().flatten(0, 1),
        labels[:, first + 1 :].to(model.device).flatten(),
        ignore_index=NO_LABEL,
        reduction="none",
    )
    sums = losses.view(len(batch), -1).double().sum(dim=1)
    return [float(value) for value in sums.tolist()]
