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
from finetune.loss import answer_loss, mean_loss, total_loss
from finetune.model import mixed_precision
from finetune.processes import Processes
from finetune.samples import write_samples
from onbrand.config import Tune
from onbrand.console import notes
from onbrand.errors import OnbrandError


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
    fingerprint: str

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
    watch: Watcher,
) -> tuple[RunState, Weights]:
    """All optimiser steps of `plan` that are still to do; returns the log and the best weights.

    Raises:
        OnbrandError: the loss is no longer a number. The last checkpoint stays.
    """
    settings = run.settings
    optimizer = torch.optim.AdamW(
        run.parameters, lr=settings.peak_learning_rate, weight_decay=settings.weight_decay
    )
    state, best = checkpoint.load(run.checkpoint, run.model, optimizer, run.fingerprint)
    if state.step:
        notes.print(f"Resuming after step {state.step} of {len(plan)}.")
    run.model.train()
    while state.step < len(plan) and not _has_stalled(state, settings):
        started = time.monotonic()
        torch.manual_seed(settings.seed * 1_000_003 + state.step)  # dropout; the same when resumed
        batch = [examples[index] for index in plan[state.step]]
        rate = learning_rate(state.step, len(plan), settings)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _backward(run, batch, state.step)
        norm = torch.nn.utils.clip_grad_norm_(run.parameters, settings.clip)
        if not math.isfinite(norm):
            raise _not_finite(run, batch, state.step, "gradient")
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        state.step += 1
        tokens = sum(len(example.answer) for example in batch)
        row = {"step": state.step, "loss": loss, "learning_rate": rate, "tokens": tokens}
        state.log.append(row | {"seconds": round(time.monotonic() - started, 3)})
        is_due = state.step % settings.checkpoint_steps == 0 or state.step == len(plan)
        if is_due:
            best = _judge(run, validation, state, best)
            if run.processes.is_first:
                state.samples += _samples(run, validation or examples, state.step)
                checkpoint.save(run.checkpoint, run.model, best, optimizer, state)
            run.processes.wait()
        watch(state, is_due)
    return state, best


def _backward(run: Run, batch: list[Example], step: int) -> float:
    """Gradients of the mean loss over the batch's answer tokens; returns that loss."""
    tokens = sum(len(example.answer) for example in batch)
    passes = forward_passes(batch, run.settings, run.packing)
    loss = 0.0
    for part in run.processes.share(passes):
        inputs = make_batch(part, run.packing, run.tokenizer.pad_token_id, run.processes.device)
        with mixed_precision(run.processes.device, run.dtype):
            share = answer_loss(run.model, inputs) / tokens
        share.backward()  # type: ignore[no-untyped-call]
        loss += share.item()
    loss = run.processes.total(loss)
    if not math.isfinite(loss):
        raise _not_finite(run, batch, step, "loss")
    run.processes.add_gradients(run.parameters)
    return loss


def _not_finite(run: Run, batch: Sequence[Example], step: int, what: str) -> OnbrandError:
    """The error that names the step and the examples which cannot be learned from."""
    pad_id, device = run.tokenizer.pad_token_id, run.processes.device
    guilty = [
        example.record_id
        for example in batch
        if not math.isfinite(mean_loss(run.model, [example], 1, pad_id, device))
    ]
    kept = f" The checkpoint in {run.checkpoint} is kept." if run.checkpoint.exists() else ""
    return OnbrandError(
        f"The {what} at step {step + 1} is not a number (records "
        f"{', '.join(guilty or [example.record_id for example in batch])}); lower [tune] "
        f"learning_rate, or take these records out.{kept}"
    )


def _judge(run: Run, validation: Sequence[Example], state: RunState, best: Weights) -> Weights:
    """Measure the validation loss into the log; return the better weights, these or `best`.

    Without validation texts the newest are the best.
    """
    if not validation:
        state.best_step = state.step
        return checkpoint.trained_weights(run.model)
    processes, pad_id = run.processes, run.tokenizer.pad_token_id
    mine = list(processes.share(validation))
    with mixed_precision(processes.device, run.dtype):
        loss = total_loss(run.model, mine, run.settings.micro_batch_size, pad_id, processes.device)
    loss = processes.total(loss) / sum(len(example.answer) for example in validation)
    if not math.isfinite(loss):
        raise OnbrandError(
            f"The validation loss after step {state.step} is {loss}; lower [tune] learning_rate."
        )
    state.log[-1]["validation_loss"] = loss
    if loss >= state.best_loss:
        state.without_better += 1
        return best
    state.best_loss, state.best_step, state.without_better = loss, state.step, 0
    return checkpoint.trained_weights(run.model)


def _has_stalled(state: RunState, settings: Tune) -> bool:
    return 0 < settings.patience <= state.without_better


def _samples(run: Run, examples: Sequence[Example], step: int) -> Iterator[dict[str, Any]]:
    with mixed_precision(run.processes.device, run.dtype):
        for sample in write_samples(run.model, run.tokenizer, examples, run.settings.samples):
            yield {"step": step, **sample}


def learning_rate(step: int, steps: int, settings: Tune) -> float:
    """Linear warm-up, then a cosine down to a tenth of the peak."""
    peak = settings.peak_learning_rate
    warmup = max(1, round(settings.warmup_share * steps))
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))
