"""QLoRA from a data set to an adapter; reads from top to bottom.

Method: https://arxiv.org/abs/2305.14314 (QLoRA).
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from finetune import checkpoint
from finetune.batches import plan_batches, steps_in
from finetune.checkpoint import RunState
from finetune.data import example_inputs, examples_from, prepare_examples
from finetune.fit import refuse_what_cannot_fit
from finetune.isolation import keeps_examples_apart
from finetune.learning_rate import peak_learning_rate
from finetune.loop import Run, Watcher, train
from finetune.material import Material
from finetune.model import (
    check_base,
    compute_dtype,
    load_base,
    load_tokenizer,
    parameter_counts,
    trainable_model,
)
from finetune.own_loss import refuse_other_loss
from finetune.plan import plan_run
from finetune.processes import Processes, is_first_process, run_in_processes
from finetune.result import write_result
from finetune.resume import hash_of, is_unfinished, new_state, state_to_start_from
from finetune.sharding import shard
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

    A run that was begun with these settings and not ended is gone on with, although the adapter of
    an earlier one may be there; with `force` it begins anew.

    Raises:
        OnbrandError: no data set, nothing to learn from it, a base that is no causal model, not
            enough memory (unless `force`), or the loss is no longer a number.
        UsageError: settings that do not fit the model, or a file they name.
    """
    dataset = required_manifest(workspace.dataset, "data set", "build")
    peak = peak_learning_rate(
        workspace.config.tune, check_base(base, workspace.config.tune.max_tokens)
    )
    inputs = {
        "dataset": dataset.output_hash,
        "base": identity_of(base),
        **example_inputs(workspace),
    }
    if torch.cuda.is_available() and processes > (count := torch.cuda.device_count()):
        raise UsageError(f"--processes {processes} asks for more GPUs than the {count} there are.")
    folder, new = _checkpoint_folder(workspace), new_state(workspace.config, inputs, peak)
    if force:
        if is_first_process():
            checkpoint.begin(folder, new)
    elif not is_unfinished(checkpoint.read(folder), new) and (
        manifest := up_to_date(workspace.adapter, new.settings, inputs)
    ):
        return Outcome(manifest, was_current=True)
    material = Material(workspace, load_tokenizer(base))
    if is_first_process():
        # Before others are there: a group of processes does not wait for a slow teacher.
        prepare_examples(material)
    if processes == 1:
        _tune(material, base, inputs, peak, force)
    else:
        run_in_processes(processes, _tune_with_others, workspace, base, inputs, peak, force)
    return Outcome(required_manifest(workspace.adapter, "adapter", "tune"), was_current=False)


def _tune_with_others(
    workspace: Workspace, base: Path, inputs: dict[str, str], peak: float, force: bool
) -> None:
    _tune(Material(workspace, load_tokenizer(base)), base, inputs, peak, force)


def _tune(material: Material, base: Path, inputs: dict[str, str], peak: float, force: bool) -> None:
    """One process's part of it; the first one writes and speaks."""
    workspace = material.workspace
    tokenizer: Any = material.tokenizer  # a whole one; examples ask for less
    settings, new = workspace.config.tune, new_state(workspace.config, inputs, peak)
    manifest = Manifest(
        command="tune",
        config_hash=new.settings,
        inputs=inputs,
        seed=settings.seed,
        started_at=now(),
        finished_at="",
    )
    processes = Processes(shard=settings.shard)
    notes.quiet = not processes.is_first

    processes.wait()  # on other machines they are here before the first has its briefs
    training, validation = (examples_from(material, split) for split in ("train", "validation"))
    steps = steps_in(len(training), settings.batch_size, settings.epochs, settings.max_steps)
    plan = plan_batches([len(e) for e in training], settings.batch_size, steps, settings.seed)
    manifest.counts["examples"] = len(training)
    new = replace(new, examples=hash_of([*training, *validation]))

    device, folder = processes.device, _checkpoint_folder(workspace)
    dtype = compute_dtype(device)
    found = checkpoint.read(folder)
    state = state_to_start_from(found, new, folder)
    if not processes.agree((new.fingerprint, new.examples, state.step)):
        raise UsageError(
            f"The tuning processes do not see the same {workspace.root}: their examples or their "
            "checkpoints differ; put the workspace on a disk that all machines share."
        )
    if processes.is_first and not (force or (state.step and is_unfinished(found, new))):
        # What is resumed as it was has shown that it fits.
        count = processes.count
        refuse_what_cannot_fit(plan_run(settings, base, training, device, count), settings)
    processes.wait()  # what others load meanwhile would not be free
    with ExitStack() as stack:
        tracked = None
        if processes.is_first:
            figures = {"dataset": inputs["dataset"], "device": device, **manifest.counts}
            tracked = stack.enter_context(
                open_run(workspace, resumed=state.step > 0, parameters=figures)
            )
        # What is to be sharded may be too much for one device, and is there layer by layer.
        loaded_on = torch.device("cpu") if processes.hold_shards else device
        model = trainable_model(load_base(base, settings.method, loaded_on, dtype), settings)
        trainable, total = parameter_counts(model)
        manifest.counts |= {"trainable_parameters": trainable, "parameters": total}
        if processes.hold_shards:
            shard(model, processes, dtype)
        refuse_other_loss(model, training, tokenizer.pad_token_id, device, dtype)
        packing = settings.packing and keeps_examples_apart(
            model, training, tokenizer.pad_token_id, device, dtype
        )
        if settings.packing and not packing:
            notes.print("This model does not keep packed examples apart; padding them instead.")
        notes.print(
            f"{len(training)} examples, {steps} steps of {settings.batch_size}; {trainable:,} of "
            f"{total:,} parameters are trained ({trainable / total:.2%}) on {device}."
        )
        run = Run(model, tokenizer, settings, packing, dtype, processes, folder)
        with _watching(steps, tracked) as watch:
            state, best = train(run, training, validation, plan, state, watch)
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
