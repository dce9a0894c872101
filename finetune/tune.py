"""QLoRA from a data set to an adapter; reads from top to bottom.

Method: https://arxiv.org/abs/2305.14314 (QLoRA).
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch

from finetune import checkpoint
from finetune.batches import plan_batches, steps_in
from finetune.checkpoint import RunState
from finetune.data import example_inputs, examples_of, prepare_examples
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
from finetune.processes import Processes, run_in_processes
from finetune.result import write_result
from finetune.tracking import Run as Tracked
from finetune.tracking import open_run
from onbrand.artifact import Manifest, Outcome, now, required_manifest, up_to_date
from onbrand.console import notes
from onbrand.errors import UsageError
from onbrand.model_identity import identity_of
from onbrand.progress import progress_bar
from onbrand.workspace import Workspace


def tune(workspace: Workspace, base: Path, *, force: bool = False, processes: int = 1) -> Outcome:
    """Tune the model in folder `base` on the workspace's data set; leaves `models/adapter/`.

    Raises:
        OnbrandError: no data set, nothing to learn from it, or the loss is no longer a number.
        UsageError: settings that do not fit the model, or a file they name.
    """
    dataset = required_manifest(workspace.dataset, "data set", "build")
    inputs = {
        "dataset": dataset.output_hash,
        "base": identity_of(base),
        **example_inputs(workspace),
    }
    if torch.cuda.is_available() and processes > (count := torch.cuda.device_count()):
        raise UsageError(f"--processes {processes} asks for more GPUs than the {count} there are.")
    config_hash = workspace.config.hash_for("adapter")
    if not force and (manifest := up_to_date(workspace.adapter, config_hash, inputs)):
        return Outcome(manifest, was_current=True)
    if force:
        shutil.rmtree(_checkpoint_folder(workspace), ignore_errors=True)
    if processes == 1:
        _tune(workspace, base, inputs)
    else:
        run_in_processes(processes, _tune, workspace, base, inputs)
    return Outcome(required_manifest(workspace.adapter, "adapter", "tune"), was_current=False)


def _tune(workspace: Workspace, base: Path, inputs: dict[str, str]) -> None:
    """One process's part of it; the first one writes and speaks."""
    settings, config_hash = workspace.config.tune, workspace.config.hash_for("adapter")
    manifest = Manifest(
        command="tune",
        config_hash=config_hash,
        inputs=inputs,
        seed=settings.seed,
        started_at=now(),
        finished_at="",
    )
    processes = Processes()
    notes.quiet = not processes.is_first

    tokenizer = load_tokenizer(base)
    check_base(base, settings.max_tokens)
    if processes.is_first:
        prepare_examples(workspace, tokenizer)
    processes.wait()
    training, validation = (
        examples_of(workspace, split, tokenizer) for split in ("train", "validation")
    )
    steps = steps_in(len(training), settings.batch_size, settings.epochs, settings.max_steps)
    plan = plan_batches([len(e) for e in training], settings.batch_size, steps, settings.seed)
    manifest.counts["examples"] = len(training)

    device, folder = processes.device, _checkpoint_folder(workspace)
    dtype = compute_dtype(device)
    fingerprint = hashlib.sha256(f"{config_hash} {sorted(inputs.items())}".encode()).hexdigest()
    with ExitStack() as stack:
        tracked = None
        if processes.is_first:
            figures = {"dataset": inputs["dataset"], "device": device, **manifest.counts}
            resumed = checkpoint.belongs_to(folder, fingerprint)
            tracked = stack.enter_context(open_run(workspace, resumed=resumed, parameters=figures))
        model = trainable_model(load_base(base, settings.method, device, dtype), settings)
        packing = settings.packing and keeps_examples_apart(
            model, training, tokenizer.pad_token_id, device, dtype
        )
        if settings.packing and not packing:
            notes.print("This model does not keep packed examples apart; padding them instead.")
        trainable, total = parameter_counts(model)
        notes.print(
            f"{len(training)} examples, {steps} steps of {settings.batch_size}; {trainable:,} of "
            f"{total:,} parameters are trained ({trainable / total:.2%}) on {device}."
        )
        run = Run(model, tokenizer, settings, packing, dtype, processes, folder, fingerprint)
        with _watching(steps, tracked) as watch:
            state, best = train(run, training, validation, plan, watch)
        if tracked is not None:
            manifest.details["tracking"] = {"run": tracked.id}
            write_result(workspace, base, run, state, best, manifest, planned_steps=steps)
            for name in ("loss.png", "log.jsonl", "samples.jsonl", "manifest.json"):
                tracked.artifact(workspace.adapter / name)
            shutil.rmtree(folder, ignore_errors=True)
    processes.wait()


def _checkpoint_folder(workspace: Workspace) -> Path:
    return workspace.adapter.with_name("adapter.checkpoint")


@contextmanager
def _watching(steps: int, tracked: Tracked | None) -> Iterator[Watcher]:
    """Loss, speed and the time that is left for the one who waits; checkpoints for the record."""
    with progress_bar("{task.fields[loss]}") as bar:
        task = bar.add_task("tune", total=steps, loss="")

        def watch(state: RunState, is_checkpoint: bool) -> None:
            row = state.log[-1]
            loss = f"loss {row['loss']:.3f}  {row['tokens'] / row['seconds']:.0f} tok/s"
            bar.update(task, completed=state.step, loss=loss)
            if is_checkpoint and tracked is not None:
                tracked.metrics(state.log)

        yield watch
