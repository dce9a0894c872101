"""What a run will cost, before anything is loaded: `onbrand tune --plan`."""

import time
from pathlib import Path

import psutil
import torch
from pydantic import BaseModel
from rich.table import Table

from finetune.batches import forward_passes, plan_batches, steps_in
from finetune.data import examples_of
from finetune.examples import Example
from finetune.memory import Memory, Shapes, memory_of, shapes_of
from finetune.model import check_base, compute_dtype, load_tokenizer, pick_device
from finetune.token_tree import TokenTree
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

EFFICIENCY = {"cpu": 0.35, "cuda": 0.4}
"""Share of the speed of one large matrix product that a whole training step reaches; a guess."""
_GIGABYTE = 1e9


class Plan(BaseModel):
    """A run, foretold."""

    device: str
    dtype: str
    shapes: Shapes
    examples: int
    tokens: int
    """Of all examples in one epoch."""
    answer_tokens: int
    """Of these the ones that carry loss."""
    steps: int
    memory: Memory
    free_bytes: int
    """What the device has left for it."""
    seconds: float
    """Of training alone, at the speed this device multiplies matrices with."""

    def objection(self) -> str:
        """Why the run cannot fit; empty where it can."""
        if self.memory.needed <= self.free_bytes:
            return ""
        return (
            f"Tuning this model takes about {self.memory.needed / _GIGABYTE:.1f} GB and "
            f"{self.free_bytes / _GIGABYTE:.1f} GB are free on {self.device}; lower [tune] "
            'micro_batch_size or max_tokens, take method = "qlora", or name a smaller base model.'
        )


def make_plan(workspace: Workspace, base: Path) -> Plan:
    """Foretell `onbrand tune` in this workspace.

    Raises:
        OnbrandError: no data set, or no causal language model in the folder.
        UsageError: settings that cannot be right.
    """
    settings = workspace.config.tune
    train = examples_of(workspace, "train", load_tokenizer(base))
    check_base(base, settings.max_tokens)
    shapes = shapes_of(str(base), settings)
    device = pick_device()
    dtype = compute_dtype(device)
    steps = steps_in(len(train), settings.batch_size, settings.epochs, settings.max_steps)
    batches = plan_batches([len(e) for e in train], settings.batch_size, steps, settings.seed)
    passes = [
        part
        for batch in batches
        for part in forward_passes([train[i] for i in batch], settings, settings.packing)
    ]
    sizes = [_size(part, settings.packing) for part in passes]
    computed = sum(rows * length for rows, length, _ in sizes)
    return Plan(
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        shapes=shapes,
        examples=len(train),
        tokens=sum(map(len, train)),
        answer_tokens=sum(len(example.answer) for example in train),
        steps=steps,
        memory=max(
            (
                memory_of(shapes, *size, dtype, device.type, recompute=settings.recompute)
                for size in set(sizes)
            ),
            key=lambda memory: memory.total,
        ),
        free_bytes=_free_bytes(device),
        seconds=computed
        * _flop_per_token(shapes, settings.recompute)
        / _flop_per_second(device, dtype),
    )


def _size(examples: list[Example], packing: bool) -> tuple[int, int, int]:
    """Rows, tokens of a row, and answer tokens of a forward pass."""
    tree = TokenTree(examples)
    if packing:
        return 1, len(tree), tree.answer_tokens
    return len(examples), max(map(len, examples)) - 1, tree.answer_tokens


def _flop_per_token(shapes: Shapes, recompute: bool) -> float:
    """Forward, once more to recompute, and backward to the inputs alone: frozen weights have no
    gradient."""
    frozen = shapes.parameters - shapes.vocabulary * shapes.hidden
    return (6.0 if recompute else 4.0) * frozen + 6.0 * shapes.trainable


def _flop_per_second(device: torch.device, dtype: torch.dtype) -> float:
    """Measured on one product of two square matrices, times what a step reaches of that."""
    width = 1024 if device.type == "cpu" else 8192
    matrix = torch.randn(width, width, device=device, dtype=dtype)
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


def refuse_what_cannot_fit(plan: Plan) -> None:
    """Raises OnbrandError where the plan needs more memory than is free."""
    if objection := plan.objection():
        raise OnbrandError(objection)


def table(plan: Plan) -> Table:
    """The plan for a person."""
    shapes, memory = plan.shapes, plan.memory
    shown = Table(title="Plan", show_header=False, title_justify="left")
    shown.add_column()
    shown.add_column(justify="right")
    for name, value in {
        "parameters": f"{shapes.parameters:,}",
        "in 4 bits": f"{shapes.quantised:,}",
        "trained": f"{shapes.trainable:,} ({shapes.trainable / shapes.parameters:.2%})",
        "examples": f"{plan.examples:,}",
        "tokens in one epoch": f"{plan.tokens:,}, {plan.answer_tokens:,} of them with loss",
        "steps": f"{plan.steps:,}",
        "memory: weights": _gigabytes(memory.weights),
        "memory: adapter, optimiser": _gigabytes(memory.adapter),
        "memory: activations": _gigabytes(memory.activations),
        "memory: logits": _gigabytes(memory.logits),
        "memory: process": _gigabytes(memory.process),
        "memory: weights' file": _gigabytes(memory.mapped),
        "memory at the peak": _gigabytes(memory.total),
        f"free on {plan.device}": _gigabytes(plan.free_bytes),
        "time": _duration(plan.seconds),
    }.items():
        shown.add_row(name, value)
    return shown


def _gigabytes(count: int) -> str:
    return f"{count / _GIGABYTE:.2f} GB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"about {seconds:.0f} s"
    if seconds < 7200:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
