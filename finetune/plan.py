"""What a run will cost, before anything is loaded: `onbrand tune --plan`."""

import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import torch
from pydantic import BaseModel

from finetune.arithmetic import operations
from finetune.batches import forward_passes, plan_batches, steps_in
from finetune.data import examples_of
from finetune.examples import Example
from finetune.memory import Memory, Shapes, memory_of, shapes_of
from finetune.model import check_base, compute_dtype, load_tokenizer, pick_device
from finetune.token_tree import TokenTree
from onbrand.config import Tune
from onbrand.workspace import Workspace

EFFICIENCY = {"cpu": 0.35, "cuda": 0.4}
"""Share of the speed of one large matrix product that a whole training step reaches; a guess."""

Pass = tuple[int, int, int]
"""A forward pass: rows, tokens of a row, answer tokens in it."""


class Plan(BaseModel):
    """A run, foretold."""

    device: str
    dtype: str
    processes: int
    shapes: Shapes
    examples: int
    tokens: int
    """Of all examples, each counted alone: one epoch."""
    answer_tokens: int
    """Of these the ones that carry loss."""
    computed_tokens: int
    """That all forward passes of the run take: packed, a beginning that examples share counts once
    a pass; padded, with the padding."""
    steps: int
    memory: Memory
    """Of one process."""
    free_bytes: int
    """What the device has left for one process."""
    seconds: float
    """Of training alone, at the speed this device multiplies matrices with."""


def make_plan(workspace: Workspace, base: Path, processes: int = 1) -> Plan:
    """Foretell `onbrand tune` in this workspace.

    Raises:
        OnbrandError: no data set, or no causal language model in the folder.
        UsageError: settings that cannot be right.
    """
    settings = workspace.config.tune
    check_base(base, settings.max_tokens)
    train = examples_of(workspace, "train", load_tokenizer(base))
    return plan_run(settings, base, train, pick_device(), processes)


def plan_run(
    settings: Tune, base: Path, train: Sequence[Example], device: torch.device, processes: int
) -> Plan:
    """Foretell a run on these examples, each process on a device like this one."""
    shapes = shapes_of(str(base), settings)
    dtype = compute_dtype(device)
    steps = steps_in(len(train), settings.batch_size, settings.epochs, settings.max_steps)
    passes = [
        [
            _size(part, settings.packing)
            for part in forward_passes(batch, settings, settings.packing)
        ]
        for batch in (
            [train[index] for index in batch]
            for batch in plan_batches(
                [len(example) for example in train], settings.batch_size, steps, settings.seed
            )
        )
    ]
    memory = max(
        (
            memory_of(
                shapes,
                *size,
                dtype,
                device.type,
                recompute=settings.recompute,
                shares=processes if settings.shard else 1,
            )
            for size in {size for step in passes for size in step}
        ),
        key=lambda memory: memory.total,
    )
    return Plan(
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        processes=processes,
        shapes=shapes,
        examples=len(train),
        tokens=sum(map(len, train)),
        answer_tokens=sum(len(example.answer) for example in train),
        computed_tokens=sum(rows * length for step in passes for rows, length, _ in step),
        steps=steps,
        memory=memory,
        free_bytes=_free_bytes(device) // (processes if device.type == "cpu" else 1),
        seconds=sum(_operations(step, shapes, settings, device, processes) for step in passes)
        / _operations_per_second(device, dtype),
    )


def _size(examples: list[Example], packing: bool) -> Pass:
    tree = TokenTree(examples)
    if packing:
        return 1, len(tree), tree.answer_tokens
    return len(examples), max(map(len, examples)) - 1, tree.answer_tokens


def _operations(
    passes: Sequence[Pass], shapes: Shapes, settings: Tune, device: torch.device, processes: int
) -> float:
    """Of a step, one after the other: GPUs work side by side, processes on a CPU share it."""
    each = [operations(shapes, *size, recompute=settings.recompute) for size in passes]
    if device.type == "cpu":
        return sum(each)
    return sum(max(each[start : start + processes]) for start in range(0, len(each), processes))


def _operations_per_second(device: torch.device, dtype: torch.dtype) -> float:
    """Measured on one product of two square matrices, times what a step reaches of that."""
    width = 1024 if device.type == "cpu" else 8192
    matrix = torch.ones(width, width, device=device, dtype=dtype)  # draws no random numbers
    best = float("inf")
    for _ in range(4):
        started = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        best = min(best, time.perf_counter() - started)
    return EFFICIENCY[device.type] * 2 * width**3 / best


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available
