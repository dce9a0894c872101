"""The training loop: forward passes, one optimiser step, now and then a look at the held-out loss.

Every random choice follows from `[tune] seed` and the step number, so a run that was killed and
resumed ends where an uninterrupted one does.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from finetune import checkpoint
from finetune.batches import forward_passes, make_batch
from finetune.checkpoint import RunState, Weights
from finetune.examples import Example
from finetune.learning_rate import learning_rate
from finetune.loss import answer_loss, mean_loss, total_loss
from finetune.model import mixed_precision
from finetune.processes import Processes
from finetune.samples import write_samples
from finetune.sharding import whole
from onbrand.config import Tune
from onbrand.errors import OnbrandError

_NAMED = 8
"""Records that an error names, at most."""


@dataclass(frozen=True)
class Run:
    """What stays the same through a run."""

    model: Any
    tokenizer: Any
    settings: Tune
    packing: bool
    dtype: torch.dtype
    processes: Processes
    checkpoint: Path

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What is trained."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]


Watcher = Callable[[RunState, bool], None]
"""Told after each step, and whether a checkpoint was written."""


def train(
    run: Run,
    examples: Sequence[Example],
    validation: Sequence[Example],
    plan: Sequence[Sequence[int]],
    state: RunState,
    watch: Watcher,
) -> tuple[RunState, Weights]:
    """All optimiser steps of `plan` after those of `state`; returns its end and the best weights.

    Raises:
        OnbrandError: the loss is no longer a number. The last checkpoint stays.
    """
    settings = run.settings
    optimizer = torch.optim.AdamW(
        run.parameters, lr=state.learning_rate, weight_decay=settings.weight_decay
    )
    best = checkpoint.load(run.checkpoint, run.model, optimizer, state)
    kept = state.step  # the step of the last checkpoint
    run.model.train()
    clock = time.monotonic()
    while state.step < len(plan) and not _has_stalled(state, settings):
        torch.manual_seed(settings.seed * 1_000_003 + state.step)  # dropout; the same when resumed
        batch = [examples[index] for index in plan[state.step]]
        rate = learning_rate(state.step, len(plan), state.learning_rate, settings.warmup_share)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _backward(run, batch)
        norm = whole(torch.nn.utils.clip_grad_norm_(run.parameters, settings.clip))
        for what, value in (("loss", loss), ("gradient", norm)):
            if not math.isfinite(value):
                raise _not_finite(run, f"{what} at step {state.step + 1}", batch, kept)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        state.step += 1
        tokens = sum(len(example.answer) for example in batch)
        row = {"step": state.step, "loss": loss, "learning_rate": rate, "tokens": tokens}
        finished = time.monotonic()
        state.log.append(row | {"seconds": round(finished - clock, 3)})
        clock = finished
        is_due = state.step % settings.checkpoint_steps == 0 or state.step == len(plan)
        if is_due:
            best = _judge(run, validation, state, best, kept)
            if run.processes.is_first or run.processes.hold_shards:
                state.samples += _samples(run, validation or examples, state.step)
                checkpoint.save(
                    run.checkpoint, run.model, best, optimizer, state, run.processes.is_first
                )
            run.processes.wait()
            kept = state.step
            clock = time.monotonic()  # what a checkpoint takes is no step's
        watch(state, is_due)
    return state, best


def _backward(run: Run, batch: list[Example]) -> float:
    """Gradients of the mean loss over the batch's answer tokens; returns that loss."""
    tokens = sum(len(example.answer) for example in batch)
    passes = forward_passes(batch, run.settings, run.packing)
    loss = 0.0
    for part, counts in run.processes.turns(passes):
        inputs = make_batch(part, run.packing, run.tokenizer.pad_token_id, run.processes.device)
        with mixed_precision(run.processes.device, run.dtype):
            share = answer_loss(run.model, inputs) / tokens * counts
        share.backward()  # type: ignore[no-untyped-call]
        loss += share.item()
    run.processes.add_gradients(run.parameters)
    return run.processes.total(loss)


def _not_finite(run: Run, what: str, examples: Sequence[Example], kept: int) -> OnbrandError:
    """The error that names the records which cannot be learned from; all processes make it.

    Args:
        run: whose model computes no number for some of `examples`.
        what: is no number, and at which step.
        examples: among which the fault is.
        kept: step of the last checkpoint, which is marked: a lower rate may go on from it. 0: none.
    """
    processes, pad_id = run.processes, run.tokenizer.pad_token_id
    advice = ""
    if kept:
        if processes.is_first:
            checkpoint.mark_diverging(run.checkpoint)
        processes.wait()  # the first error that is told ends all processes
        advice = (
            f" The checkpoint of step {kept} in {run.checkpoint} is kept; with a lower rate "
            "`onbrand tune` goes on from it, and with --force it begins anew."
        )
    with mixed_precision(processes.device, run.dtype):
        guilty = [
            example.record_id
            for example in examples
            if not math.isfinite(mean_loss(run.model, [example], 1, pad_id, processes.device))
        ]
    records = list(dict.fromkeys(guilty or [example.record_id for example in examples]))
    more = f" and {len(records) - _NAMED} more" if len(records) > _NAMED else ""
    return OnbrandError(
        f"The {what} is not a number (records {', '.join(records[:_NAMED])}{more}); lower [tune] "
        f"learning_rate, or take these records out.{advice}"
    )


def _judge(
    run: Run, validation: Sequence[Example], state: RunState, best: Weights, kept: int
) -> Weights:
    """Measure the validation loss into the log; return the better weights, these or `best`.

    Without validation texts the newest are the best.
    """
    if not validation:
        state.best_step = state.step
        return checkpoint.trained_weights(run.model, run.processes.is_first)
    processes, size = run.processes, run.settings.micro_batch_size
    in_order = sorted(validation, key=len)
    batches = [in_order[start : start + size] for start in range(0, len(in_order), size)]
    with mixed_precision(processes.device, run.dtype):
        loss = sum(
            total_loss(run.model, batch, size, run.tokenizer.pad_token_id, processes.device)
            * counts
            for batch, counts in processes.turns(batches)
        )
    loss = processes.total(loss) / sum(len(example.answer) for example in validation)
    if not math.isfinite(loss):
        raise _not_finite(run, f"validation loss after step {state.step}", validation, kept)
    state.log[-1]["validation_loss"] = loss
    if loss >= state.best_loss:
        state.without_better += 1
        return best
    state.best_loss, state.best_step, state.without_better = loss, state.step, 0
    return checkpoint.trained_weights(run.model, run.processes.is_first)


def _has_stalled(state: RunState, settings: Tune) -> bool:
    return 0 < settings.patience <= state.without_better


def _samples(run: Run, examples: Sequence[Example], step: int) -> Iterator[dict[str, Any]]:
    with mixed_precision(run.processes.device, run.dtype):
        for sample in write_samples(run.model, run.tokenizer, examples, run.settings.samples):
            yield {"step": step, **sample}
