"""QLoRA from a data set to an adapter; reads from top to bottom.

Method: https://arxiv.org/abs/2305.14314 (QLoRA). Every random choice follows from `[tune] seed`
and the step number, so a run that was killed and resumed ends where an uninterrupted one does.
"""

import hashlib
import json
import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from finetune import checkpoint
from finetune.batches import collate, plan_batches, steps_in
from finetune.data import examples_of
from finetune.examples import Example
from finetune.loss import answer_loss, mean_loss
from finetune.model import (
    add_adapter,
    compute_dtype,
    load_base,
    load_tokenizer,
    parameter_counts,
    pick_device,
)
from finetune.plot import plot_loss
from onbrand.artifact import (
    Manifest,
    Outcome,
    folder_hash,
    now,
    required_manifest,
    up_to_date,
    versions,
    write_manifest,
)
from onbrand.atomic import atomic_folder
from onbrand.config import Tune
from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace


def tune(workspace: Workspace, base: Path, *, force: bool = False) -> Outcome:
    """Tune the model in folder `base` on the workspace's data set; leaves `models/adapter/`.

    Raises:
        OnbrandError: no data set, nothing to learn from it, or the loss is no longer a number.
    """
    config, settings = workspace.config, workspace.config.tune
    dataset = required_manifest(workspace.dataset, "data set", "build")
    inputs = {"dataset": dataset.output_hash, "base": identity_of(base)}
    config_hash = config.hash_for("adapter")
    if not force and (manifest := up_to_date(workspace.adapter, config_hash, inputs)):
        return Outcome(manifest, was_current=True)
    started_at = now()

    tokenizer = load_tokenizer(base)
    train, validation = (
        examples_of(workspace, split, tokenizer) for split in ("train", "validation")
    )
    steps = steps_in(len(train), settings.batch_size, settings.epochs, settings.max_steps)
    plan = plan_batches([len(e) for e in train], settings.batch_size, steps, settings.seed)

    device = pick_device()
    dtype = compute_dtype(device)
    model = add_adapter(load_base(base, settings.method, device, dtype), settings)
    trainable, total = parameter_counts(model)
    notes.print(
        f"{len(train)} examples, {steps} steps of {settings.batch_size}; "
        f"{trainable:,} of {total:,} parameters are trained ({trainable / total:.2%}) on {device}."
    )

    folder = workspace.adapter.with_name("adapter.checkpoint")
    if force:
        shutil.rmtree(folder, ignore_errors=True)
    fingerprint = hashlib.sha256(f"{config_hash} {sorted(inputs.items())}".encode()).hexdigest()
    run = _Run(model, settings, tokenizer.pad_token_id, device, folder, fingerprint)
    progress, best = _train(run, train, validation, plan)

    with atomic_folder(workspace.adapter) as partial:
        checkpoint.set_adapter_weights(model, best)
        model.peft_config["default"].base_model_name_or_path = config.model.base
        model.save_pretrained(partial, save_embedding_layers=False)
        tokenizer.save_pretrained(partial)
        rows = "".join(json.dumps(row) + "\n" for row in progress.log)
        (partial / "log.jsonl").write_text(rows, encoding="utf-8")
        plot_loss(progress.log, partial / "loss.png")
        manifest = Manifest(
            command="tune",
            config_hash=config_hash,
            inputs=inputs,
            seed=settings.seed,
            versions=versions("torch", "transformers", "peft", "bitsandbytes"),
            counts={
                "examples": len(train),
                "steps": steps,
                "trainable_parameters": trainable,
                "parameters": total,
                "tokens": int(sum(row["tokens"] for row in progress.log)),
            },
            output_hash=folder_hash(partial, "adapter_*"),
            started_at=started_at,
            finished_at=now(),
            details={
                "final_loss": progress.log[-1]["loss"],
                "best_validation_loss": progress.best_loss if validation else None,
                "best_step": progress.best_step,
                "seconds": round(sum(row["seconds"] for row in progress.log), 1),
                "device": str(device),
                # What a merge has to repeat to meet the weights that were trained on.
                "method": settings.method,
                "dtype": str(dtype).removeprefix("torch."),
            },
        )
        write_manifest(partial, manifest)
    shutil.rmtree(folder, ignore_errors=True)
    return Outcome(manifest, was_current=False)


@dataclass(frozen=True)
class _Run:
    """What stays the same through a run."""

    model: Any
    settings: Tune
    pad_id: int
    device: torch.device
    checkpoint: Path
    fingerprint: str


def _train(
    run: _Run, train: list[Example], validation: list[Example], plan: list[list[int]]
) -> tuple[checkpoint.Progress, checkpoint.Weights]:
    """All optimiser steps that are still to do; returns the log and the best adapter."""
    settings = run.settings
    parameters = [p for p in run.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=settings.peak_learning_rate, weight_decay=settings.weight_decay
    )
    progress, best = checkpoint.load(run.checkpoint, run.model, optimizer, run.fingerprint)
    if progress.step:
        notes.print(f"Resuming after step {progress.step} of {len(plan)}.")
    run.model.train()
    with _progress_bar() as bar:
        task = bar.add_task("tune", total=len(plan), completed=progress.step, loss="")
        for step in range(progress.step, len(plan)):
            started = time.monotonic()
            torch.manual_seed(settings.seed * 1_000_003 + step)  # dropout, the same when resumed
            examples = [train[index] for index in plan[step]]
            tokens = sum(len(example.answer) for example in examples)
            loss = 0.0
            for start in range(0, len(examples), settings.micro_batch_size):
                micro = examples[start : start + settings.micro_batch_size]
                part = answer_loss(run.model, collate(micro, run.pad_id, run.device)) / tokens
                part.backward()  # type: ignore[no-untyped-call]
                loss += part.item()
            if not math.isfinite(loss):
                raise OnbrandError(
                    f"The loss at step {step + 1} is {loss} (records "
                    f"{', '.join(e.record_id for e in examples)}); lower [tune] learning_rate."
                )
            rate = learning_rate(step, len(plan), settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            torch.nn.utils.clip_grad_norm_(parameters, settings.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

            seconds = time.monotonic() - started
            row = {"step": step + 1, "loss": loss, "learning_rate": rate, "tokens": tokens}
            progress.log.append(row | {"seconds": round(seconds, 3)})
            progress.step = step + 1
            if progress.step % settings.checkpoint_steps == 0 or progress.step == len(plan):
                best = _validate(run, validation, progress, best)
                checkpoint.save(run.checkpoint, run.model, best, optimizer, progress)
            bar.update(task, advance=1, loss=f"loss {loss:.3f}  {tokens / seconds:.0f} tok/s")
    return progress, best


def _validate(
    run: _Run,
    validation: list[Example],
    progress: checkpoint.Progress,
    best: checkpoint.Weights,
) -> checkpoint.Weights:
    """Measure the validation loss into the log; return the better adapter, this one or `best`.

    Without validation texts the newest adapter is the best.
    """
    if not validation:
        progress.best_step = progress.step
        return checkpoint.adapter_weights(run.model)
    loss = mean_loss(run.model, validation, run.settings.micro_batch_size, run.pad_id, run.device)
    if not math.isfinite(loss):
        raise OnbrandError(
            f"The validation loss after step {progress.step} is {loss}; lower [tune] learning_rate."
        )
    progress.log[-1]["validation_loss"] = loss
    if loss >= progress.best_loss:
        return best
    progress.best_loss, progress.best_step = loss, progress.step
    return checkpoint.adapter_weights(run.model)


def learning_rate(step: int, steps: int, settings: Tune) -> float:
    """Linear warm-up, then a cosine down to a tenth of the peak."""
    warmup = max(1, round(settings.warmup_share * steps))
    if step < warmup:
        return settings.peak_learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return settings.peak_learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=notes,
    )
