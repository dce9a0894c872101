"""Which examples each optimiser step sees: shuffled, grouped by length, fixed by the seed."""

import random
from collections.abc import Iterator, Sequence

import torch

from finetune.examples import Example

IGNORED = -100
"""Label that the loss leaves out (PyTorch's `ignore_index`)."""

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


def collate(
    examples: Sequence[Example], pad_id: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """Right-padded `input_ids`, `attention_mask` and `labels`, each of shape (batch, length).

    Padding is masked by position, never by id: where pad and EOS share an id, EOS keeps its label.
    """
    length = max(len(example) for example in examples)
    ids = torch.full((len(examples), length), pad_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for row, example in enumerate(examples):
        tokens = torch.tensor(example.prompt + example.answer)
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
        labels[row, len(example.prompt) : len(tokens)] = tokens[len(example.prompt) :]
    return {
        "input_ids": ids.to(device),
        "attention_mask": mask.to(device),
        "labels": labels.to(device),
    }
