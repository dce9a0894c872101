"""QLoRA from a data set to an adapter; reads from top to bottom.

Method: https://arxiv.org/abs/2305.14314 (QLoRA).
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from finetune import checkpoint
from finetune.batches import plan_batches, steps_in
from finetune.checkpoint import RunState
from finetune.data import examples_of
from finetune.isolation import keeps_examples_apart
from finetune.loop import Run, Watcher, train
from finetune.model import (
    check_base,
    compute_dtype,
    load_base,
    load_tokenizer,
    parameter_counts,
    trainable_model,
)
from finetune.plot import plot_loss
from finetune.processes import Processes, run_in_processes
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
from onbrand.console import notes
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace


def tune(workspace: Workspace, base: Path, *, force: bool = False, processes: int = 1) -> Outcome:
    """Tune the model in folder `base` on the workspace's data set; leaves `models/adapter/`.

    Raises:
        OnbrandError: no data set, nothing to learn from it, or the loss is no longer a number.
        UsageError: settings that do not fit the model.
    """
    dataset = required_manifest(workspace.dataset, "data set", "build")
    inputs = {"dataset": dataset.output_hash, "base": identity_of(base)}
    config_hash = workspace.config.hash_for("adapter")
    if not force and (manifest := up_to_date(workspace.adapter, config_hash, inputs)):
        return Outcome(manifest, was_current=True)
    if force:
        shutil.rmtree(_checkpoint_folder(workspace), ignore_errors=True)
    if processes == 1:
        _tune(workspace, base, inputs)
    else:
        run_in_processes(processes, _tune, workspace, base, inputs)
    manifest = required_manifest(workspace.adapter, "adapter", "tune")
    return Outcome(manifest, was_current=False)


def _tune(workspace: Workspace, base: Path, inputs: dict[str, str]) -> None:
    """One process's part of it; the first one writes."""
    config, settings = workspace.config, workspace.config.tune
    config_hash = config.hash_for("adapter")
    started_at = now()
    processes = Processes()
    notes.quiet = not processes.is_first

    tokenizer = load_tokenizer(base)
    check_base(base, settings.max_tokens)
    training, validation = (
        examples_of(workspace, split, tokenizer) for split in ("train", "validation")
    )
    steps = steps_in(len(training), settings.batch_size, settings.epochs, settings.max_steps)
    plan = plan_batches([len(e) for e in training], settings.batch_size, steps, settings.seed)

    device = processes.device
    dtype = compute_dtype(device)
    model = trainable_model(load_base(base, settings.method, device, dtype), settings)
    packing = settings.packing and keeps_examples_apart(
        model, training, tokenizer.pad_token_id, device, dtype
    )
    if settings.packing and not packing:
        notes.print("This model does not keep packed examples apart; padding them instead.")
    trainable, total = parameter_counts(model)
    notes.print(
        f"{len(training)} examples, {steps} steps of {settings.batch_size}; "
        f"{trainable:,} of {total:,} parameters are trained ({trainable / total:.2%}) on {device}."
    )

    folder = _checkpoint_folder(workspace)
    fingerprint = hashlib.sha256(f"{config_hash} {sorted(inputs.items())}".encode()).hexdigest()
    run = Run(model, tokenizer, settings, packing, dtype, processes, folder, fingerprint)
    with _progress_bar(steps) as watch:
        state, best = train(run, training, validation, plan, watch)
    if not processes.is_first:
        processes.wait()
        return

    with atomic_folder(workspace.adapter) as partial:
        checkpoint.set_trained_weights(model, best)
        _save_model(model, tokenizer, partial, config.model.base)
        _write_lines(partial / "log.jsonl", state.log)
        _write_lines(partial / "samples.jsonl", state.samples)
        plot_loss(state.log, partial / "loss.png")
        manifest = Manifest(
            command="tune",
            config_hash=config_hash,
            inputs=inputs,
            seed=settings.seed,
            versions=versions("torch", "transformers", "peft", "bitsandbytes", "accelerate"),
            counts={
                "examples": len(training),
                "steps": state.step,
                "trainable_parameters": trainable,
                "parameters": total,
                "tokens": int(sum(row["tokens"] for row in state.log)),
                "processes": processes.count,
            },
            output_hash=folder_hash(partial, _WEIGHTS[settings.method]),
            started_at=started_at,
            finished_at=now(),
            details={
                "final_loss": state.log[-1]["loss"],
                "best_validation_loss": state.best_loss if validation else None,
                "best_step": state.best_step,
                "stopped_early": state.step < steps,
                "seconds": round(sum(row["seconds"] for row in state.log), 1),
                "device": str(device),
                "packing": packing,
                # What a merge has to repeat to meet the weights that were trained on.
                "method": settings.method,
                "dtype": str(dtype).removeprefix("torch."),
            },
        )
        write_manifest(partial, manifest)
    shutil.rmtree(folder, ignore_errors=True)
    processes.wait()


_WEIGHTS = {"qlora": "adapter_*", "lora": "adapter_*", "full": "model*"}
"""The files that make one result differ from another."""


def _checkpoint_folder(workspace: Workspace) -> Path:
    return workspace.adapter.with_name("adapter.checkpoint")


def _save_model(model: Any, tokenizer: Any, folder: Path, base: str) -> None:
    """The adapter in PEFT's format, or the whole model where all of it was trained."""
    if hasattr(model, "peft_config"):
        model.peft_config["default"].base_model_name_or_path = base
        model.save_pretrained(folder, save_embedding_layers=False)
    else:
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )


@contextmanager
def _progress_bar(steps: int) -> Iterator[Watcher]:
    """Loss, speed and the time that is left, for the one who waits."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes) as bar:
        task = bar.add_task("tune", total=steps, loss="")

        def watch(state: RunState, _: bool) -> None:
            if state.log:
                row = state.log[-1]
                loss = f"loss {row['loss']:.3f}  {row['tokens'] / row['seconds']:.0f} tok/s"
                bar.update(task, completed=state.step, loss=loss)

        yield watch
