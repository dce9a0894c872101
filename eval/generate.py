"""Greedy continuations of exactly the reference's length.

Exact length: BLEU's brevity penalty and ROUGE's recall would otherwise measure when a model stops
instead of what it writes, and a model that has learned to stop would lose by it. End-of-text is
forbidden until the length is reached.
"""

from collections.abc import Callable

import torch
from transformers import GenerationConfig

from eval.cache import Cache, cache_key
from eval.half_split import Item, batches
from eval.models import LocalModel

DECODING = "greedy-exact-length"


def generate(
    local: LocalModel,
    items: list[Item],
    batch_size: int,
    cache: Cache,
    advance: Callable[[int], object] = lambda done: None,
) -> list[list[int]]:
    """Continue every item; `advance` is told how many items each batch has finished.

    Returns:
        For each item the ids of the continuation alone (never the first half), as many as
        `second_ids`.
    """
    keys = {item: _key(local, item, batch_size) for item in items}
    # The batches are made from all items, known or not: a resumed run then computes the same
    # batches as an uninterrupted one, and the same text to the last bit.
    for batch in batches(items, batch_size):
        if not all(keys[item] in cache for item in batch):
            cache.add(
                dict(
                    zip((keys[item] for item in batch), _continue_batch(local, batch), strict=True)
                )
            )
        advance(len(batch))
    return [list(cache[keys[item]]) for item in items]


def _key(local: LocalModel, item: Item, batch_size: int) -> str:
    return cache_key(
        kind=DECODING,
        ids=item.context_ids,
        length=len(item.second_ids),
        dtype=str(local.dtype),
        device=local.device.type,
        batch_size=batch_size,
    )


@torch.inference_mode()
def _continue_batch(local: LocalModel, batch: list[Item]) -> list[list[int]]:
    """Generate to the longest reference of the batch and cut each row to its own.

    A causal model's first n tokens do not depend on how far it goes on.
    """
    width = max(len(item.context_ids) for item in batch)
    length = max(len(item.second_ids) for item in batch)
    # On the left, so that every row continues from its own last token.
    padding = [width - len(item.context_ids) for item in batch]
    ids = [
        [local.pad_id] * pad + list(item.context_ids)
        for pad, item in zip(padding, batch, strict=True)
    ]
    mask = [[0] * pad + [1] * (width - pad) for pad in padding]
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, num_beams=1, min_new_tokens=length, max_new_tokens=length
    )
    output = local.model.generate(  # type: ignore[operator]
        torch.tensor(ids, device=local.device),
        attention_mask=torch.tensor(mask, device=local.device),
        generation_config=config,
    )
    rows: list[list[int]] = output[:, width:].tolist()
    return [row[: len(item.second_ids)] for row, item in zip(rows, batch, strict=True)]
