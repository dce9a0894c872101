"""The model that is served: adapter and base in one, as it was trained.

`onbrand merge` folds the adapter into the weights of its training, or, where that is asked for and
measured to be better, into the original ones. The model is written and verified beside the one that
is there, and takes its place at the very end: a merge that fails or is killed changes nothing.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM

from finetune.card import write_merged_card
from finetune.fold import fold_in
from finetune.model import TrainedAs, load_tokenizer, load_trained
from finetune.registry import register_merged
from finetune.verification import Onto, Verification, read_verification
from finetune.verify import UNQUANTISED, held_out_examples, held_out_losses, verify
from onbrand.artifact import (
    Manifest,
    Outcome,
    now,
    read_manifest,
    required_manifest,
    up_to_date,
    versions,
    write_manifest,
)
from onbrand.atomic import atomic_folder, write_text
from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace

_DAMAGE = (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError)
"""What PEFT raises where its files are cut off, gone, or of another kind."""


@dataclass(frozen=True)
class Choice:
    """Which base weights the adapter was added to, and what decided it."""

    onto: Onto
    losses: dict[str, float] = field(default_factory=dict)
    """Held-out loss of the merge onto each base, nats per answer token; empty: one was made."""


def merge(
    workspace: Workspace, base: Path, *, onto: Onto | None = None, force: bool = False
) -> Outcome:
    """Merge `models/adapter/` and the model in folder `base` into `models/merged/`, verified.

    A model that fails takes no verified one's place. Where there is none, it is left there, without
    a manifest, for whoever serves it all the same.

    Args:
        workspace: holds the adapter and its data set.
        base: the folder of the base model.
        onto: the base weights to add to; `original` is kept only where its held-out loss is lower.
            None: as the last time, at first `dequantised`.
        force: repeat it although nothing has changed.

    Raises:
        OnbrandError: no adapter, one of another base, no validation texts to choose the base by,
            or the merged model is not the model that was trained.
    """
    adapter = required_manifest(workspace.adapter, "adapter", "tune")
    inputs = {"adapter": adapter.output_hash, "base": identity_of(base)}
    if adapter.inputs["base"] != inputs["base"]:
        raise OnbrandError(
            f"{workspace.adapter} was tuned on another base model than {base}; run `onbrand tune`."
        )
    asked = onto or _asked_before(workspace)
    config_hash = _config_hash(workspace, asked)
    manifest = up_to_date(workspace.merged, config_hash, inputs)
    if manifest and not force and _is_verified(workspace):
        return Outcome(manifest, was_current=True)
    manifest = Manifest(
        command="merge",
        config_hash=config_hash,
        inputs=inputs,
        versions=versions("torch", "transformers", "peft", "bitsandbytes"),
        started_at=now(),
        finished_at="",
    )
    trained_as = TrainedAs(adapter.details["method"], getattr(torch, adapter.details["dtype"]))
    with notes.status("Merging …"):
        merged, choice = _merged(workspace, base, trained_as, asked)
    with atomic_folder(workspace.merged) as folder:
        _save(merged, base, folder)
        del merged
        with notes.status("Verifying the merged model …"):
            verification = verify(workspace, base, folder, trained_as, choice.onto)
        if verification.passed:
            _describe(manifest, choice, verification)
            write_merged_card(folder, workspace, base, adapter, manifest, verification)
            write_manifest(folder, manifest)
        elif _is_verified(workspace):
            raise _not_kept(workspace, verification)
    # Killed here, the new model lies beside the old verification: `_is_verified` sees it.
    _write(verification, workspace.verification)
    _failed_path(workspace).unlink(missing_ok=True)
    register_merged(workspace)
    if verification.failed:
        raise OnbrandError(f"{verification.reason}; see {workspace.verification}.")
    _warn_of_endless_answers(verification)
    return Outcome(manifest, was_current=False)


def _describe(manifest: Manifest, choice: Choice, verification: Verification) -> None:
    """What is known only now that the model is verified."""
    manifest.output_hash = verification.merged
    manifest.finished_at = now()
    manifest.details = {
        "onto": choice.onto,
        **{f"{name}_base_loss": loss for name, loss in choice.losses.items()},
        **{check.name: check.value for check in verification.checks},
        **{f"{name}_loss": loss for name, loss in verification.held_out_loss.items()},
    }


def _is_verified(workspace: Workspace) -> bool:
    """Is there a merged model, and does the verification say that this very one passed?"""
    manifest = read_manifest(workspace.merged)
    verification = read_verification(workspace.verification)
    return (
        manifest is not None
        and verification is not None
        and verification.passed
        and verification.merged == manifest.output_hash
    )


def _config_hash(workspace: Workspace, asked: Onto) -> str:
    """Over the settings, with the option behind it where it is not the default."""
    settings = workspace.config.hash_for("merged")
    return settings if asked == "dequantised" else f"{settings}+{asked}"


def _asked_before(workspace: Workspace) -> Onto:
    manifest = read_manifest(workspace.merged)
    asked_original = manifest is not None and manifest.config_hash.endswith("+original")
    return "original" if asked_original else "dequantised"


def _merged(
    workspace: Workspace, base: Path, trained_as: TrainedAs, asked: Onto
) -> tuple[Any, Choice]:
    """The model to keep. Where both bases are in question, the one with the lower held-out loss."""
    as_trained = _fold(workspace, base, trained_as)
    if trained_as.method != "qlora":
        return as_trained, Choice("original")  # it was trained on the original weights
    if asked == "dequantised":
        return as_trained, Choice("dequantised")
    held_out = held_out_examples(workspace, load_tokenizer(base))
    if not held_out:
        raise OnbrandError(
            f"{workspace.dataset} has no validation texts to choose the base by; raise [dataset] "
            "validation_share, or merge with --base dequantised."
        )
    on_original = _fold(workspace, base, UNQUANTISED)
    losses = held_out_losses({"dequantised": as_trained, "original": on_original}, held_out)
    wins = losses["original"] < losses["dequantised"]
    choice = Choice("original" if wins else "dequantised", losses)
    notes.print(
        f"Held-out loss {losses['original']:.4f} onto the original base, "
        f"{losses['dequantised']:.4f} onto the dequantised one: the {choice.onto} is kept."
    )
    return (on_original if wins else as_trained), choice


def _fold(workspace: Workspace, base: Path, loaded_as: TrainedAs) -> Any:
    # On the CPU, whatever the GPU holds: the sum is small work, and memory is the limit.
    trained = _trained(workspace, base, loaded_as)
    merged = AutoModelForCausalLM.from_pretrained(base, dtype="auto", local_files_only=True)
    fold_in(trained, merged)
    return merged


def _trained(workspace: Workspace, base: Path, loaded_as: TrainedAs) -> Any:
    """The model that was trained.

    Raises:
        OnbrandError: the base cannot be loaded, or the adapter's files are damaged.
    """
    # A model that was tuned as a whole is loaded as a base is, with that one's error.
    of_base = (OnbrandError,) if loaded_as.method == "full" else ()
    try:
        return load_trained(base, workspace.adapter, loaded_as)
    except (*_DAMAGE, *of_base) as error:
        said = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        raise OnbrandError(
            f"{workspace.adapter} is damaged ({said[0].rstrip('.:')}); run `onbrand tune --force`."
        ) from error


def _not_kept(workspace: Workspace, verification: Verification) -> OnbrandError:
    """The error of a merge that failed beside a verified model; its figures are kept apart."""
    path = _failed_path(workspace)
    _write(verification, path)
    register_merged(workspace, failed=path)  # on record, and no model
    return OnbrandError(
        f"{verification.reason}; the verified one in {workspace.merged} stays. See {path}."
    )


def _failed_path(workspace: Workspace) -> Path:
    """The verification of a merge that took no verified model's place."""
    return workspace.verification.with_name("merged-verification-failed.json")


def _write(verification: Verification, path: Path) -> None:
    write_text(path, verification.model_dump_json(indent=2) + "\n")


def _warn_of_endless_answers(verification: Verification) -> None:
    stops = verification.stops
    if 2 * stops.stopped < stops.prompts:
        notes.print(
            f"Only {stops.stopped} of {stops.prompts} greedy answers end within {stops.limit} "
            "tokens; a longer tuning ([tune] epochs) teaches the model to stop."
        )


def _save(merged: Any, base: Path, folder: Path) -> None:
    """Weights, tokenizer with its template, and a generation config without sampling defaults."""
    tokenizer = load_tokenizer(base)
    generation = merged.generation_config
    # Greedy means greedy: the one who asks decides on sampling, not a file they do not see.
    generation.do_sample = False
    generation.temperature = generation.top_p = generation.top_k = None
    generation.eos_token_id = _stops(generation.eos_token_id, tokenizer.eos_token_id)
    generation.pad_token_id = tokenizer.pad_token_id
    merged.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _stops(configured: int | list[int] | None, eos: int) -> int | list[int]:
    known = configured if isinstance(configured, list) else [configured]
    stops = sorted({eos, *(stop for stop in known if stop is not None)})
    return stops if len(stops) > 1 else eos
