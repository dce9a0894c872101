"""Which examples each optimiser step sees, fixed by the seed, and in which forward passes."""

import random
from collections.abc import Iterator, Sequence

import torch

from finetune.examples import Example
from finetune.token_tree import Batch, TokenTree, padded_batch
from onbrand.config import Tune

_GROUP = 16
"""Batches whose examples are sorted by length together: little padding, still well mixed."""


def plan_batches(lengths: Sequence[int], batch_size: int, steps: int, seed: int) -> list[list[int]]:
    """For each of `steps` optimiser steps, the indices of its examples.

    Every epoch visits each example once in an order of its own. The whole plan follows from the
    arguments, so a resumed run takes the same batches as an uninterrupted one.
    """
    plan: list[list[int]] = []
    epoch = 0
    while len(plan) < steps:
        plan += _epoch(lengths, batch_size, random.Random(f"{seed}-{epoch}"))
        epoch += 1
    return plan[:steps]


def _epoch(lengths: Sequence[int], batch_size: int, rng: random.Random) -> Iterator[list[int]]:
    order = list(range(len(lengths)))
    rng.shuffle(order)
    batches = []
    for start in range(0, len(order), batch_size * _GROUP):
        group = sorted(order[start : start + batch_size * _GROUP], key=lambda i: lengths[i])
        batches += [group[i : i + batch_size] for i in range(0, len(group), batch_size)]
    rng.shuffle(batches)
    yield from batches


def steps_in(examples: int, batch_size: int, epochs: float, max_steps: int) -> int:
    """Optimiser steps of a run; at least one."""
    steps = max(1, round(epochs * -(-examples // batch_size)))
    return min(steps, max_steps) if max_steps else steps


def forward_passes(examples: Sequence[Example], tune: Tune, packing: bool) -> list[list[Example]]:
    """A step's examples in portions of at most `micro_batch_size`.

    With `packing` a portion's tree also keeps to `pack_tokens`; an example longer than that has a
    row of its own.
    """
    passes: list[list[Example]] = []
    tree = TokenTree()
    for example in examples:
        full = tree.count == tune.micro_batch_size
        if packing and tree.count:
            full = full or len(tree) + tree.growth(example) > tune.pack_tokens
        if full or not passes:
            passes.append([])
            tree = TokenTree()
        passes[-1].append(example)
        tree.add(example)
    return passes


def make_batch(examples: list[Example], packing: bool, pad_id: int, device: torch.device) -> Batch:
    """One forward pass."""
    if packing:
        return TokenTree(examples).batch(device)
    return padded_batch(examples, pad_id, device)
