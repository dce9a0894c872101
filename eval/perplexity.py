"""Perplexity of the second half, given the request and the first half.

exp(sum of negative log-likelihoods / number of tokens), over all second-half tokens of the test
split: a long text weighs more than a short one, and no token is counted twice (Jelinek et al.,
1977; "fixed-length models" in the transformers documentation).
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import cross_entropy

from eval.cache import Cache, cache_key
from eval.half_split import Item, batches
from eval.models import LocalModel
from onbrand.errors import OnbrandError

_LOGITS_AT_ONCE = 2**27
"""Largest number of logits computed at once: 512 MB in fp32, and as much again for the loss."""

NO_LABEL = -100


def negative_log_likelihoods(
    local: LocalModel,
    items: list[Item],
    batch_size: int,
    cache: Cache,
    advance: Callable[[int], object] = lambda done: None,
) -> list[float]:
    """Sum of -ln p over each item's second-half tokens, in nats; `advance` as in `generate`.

    Raises:
        OnbrandError: the model computes NaN or infinity.
    """
    keys = {item: _key(local, item, batch_size) for item in items}
    for batch in batches(items, batch_size):
        if not all(keys[item] in cache for item in batch):
            for part in _that_fit(batch, int(local.model.config.vocab_size)):
                nlls = _score_batch(local, part)
                if not all(map(math.isfinite, nlls)):
                    raise OnbrandError(
                        f"The model in {local.folder} gives no finite probabilities; make it again."
                    )
                cache.add(dict(zip((keys[item] for item in part), nlls, strict=True)))
        advance(len(batch))
    return [float(cache[keys[item]]) for item in items]


def perplexity(nlls: Sequence[float], items: Sequence[Item]) -> float:
    """Perplexity over all items together."""
    return math.exp(sum(nlls) / sum(len(item.second_ids) for item in items))


def _key(local: LocalModel, item: Item, batch_size: int) -> str:
    return cache_key(
        kind="nll",
        ids=item.context_ids,
        reference=item.second_ids,
        dtype=str(local.dtype),
        device=local.device.type,
        batch_size=batch_size,
    )


def _that_fit(batch: list[Item], vocabulary: int) -> list[list[Item]]:
    """Parts of a batch whose logits stay within `_LOGITS_AT_ONCE`."""
    first, last = _span(batch)
    rows = max(1, _LOGITS_AT_ONCE // ((last - first) * vocabulary))
    return [batch[start : start + rows] for start in range(0, len(batch), rows)]


def _span(batch: list[Item]) -> tuple[int, int]:
    """The positions whose logits some row needs: each token is predicted one place earlier."""
    first = min(len(item.context_ids) for item in batch) - 1
    last = max(len(item.context_ids) + len(item.second_ids) for item in batch) - 1
    return first, last


@torch.inference_mode()
def _score_batch(local: LocalModel, batch: list[Item]) -> list[float]:
    """Negative log-likelihood of each row's second half.

    B rows, T the longest, P positions kept: ids [B, T] -> logits [B, P, vocabulary] -> [B].
    """
    first, last = _span(batch)
    width = last + 1
    ids = torch.full((len(batch), width), local.pad_id, dtype=torch.long)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    labels = torch.full((len(batch), width), NO_LABEL, dtype=torch.long)
    for row, item in enumerate(batch):
        context, total = len(item.context_ids), len(item.context_ids) + len(item.second_ids)
        ids[row, :total] = torch.tensor(item.context_ids + item.second_ids)
        mask[row, :total] = 1
        labels[row, context:total] = ids[row, context:total]
    # The vocabulary is the widest tensor by far, so only the positions that count get logits.
    kept = torch.arange(first, last, device=local.device)
    logits = local.model(
        input_ids=ids.to(local.device),
        attention_mask=mask.to(local.device),
        logits_to_keep=kept,
        use_cache=False,
    ).logits
    losses = cross_entropy(
        logits.float().flatten(0, 1),
        labels[:, first + 1 :].to(local.device).flatten(),
        ignore_index=NO_LABEL,
        reduction="none",
    )
    sums = losses.view(len(batch), -1).double().sum(dim=1)
    return [float(value) for value in sums.tolist()]
