"""The adapter folded into the weights it was trained on.

An adapter trained on a base in NF4 has learned to correct that base, quantisation error and all.
So the delta is added to the dequantised weights, in fp32, and cast once. Adding it to the original
weights, or merging in 4 bit, gives another model than the one that was trained.
"""

from pathlib import Path
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn.modules import Linear4bit
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM

from finetune.model import TrainedAs, load_tokenizer, load_trained, written_modules
from finetune.verify import verify
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
from onbrand.errors import OnbrandError
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace


def merge(workspace: Workspace, base: Path, *, force: bool = False) -> Outcome:
    """Merge `models/adapter/` and the model in folder `base` into `models/merged/`, and verify it.

    Raises:
        OnbrandError: no adapter, or the merged model is not the model that was trained.
    """
    adapter = required_manifest(workspace.adapter, "adapter", "tune")
    inputs = {"adapter": adapter.output_hash, "base": identity_of(base)}
    if adapter.inputs["base"] != inputs["base"]:
        raise OnbrandError(
            f"{workspace.adapter} was tuned on another base model than {base}; run `onbrand tune`."
        )
    config_hash = workspace.config.hash_for("merged")
    if not force and (manifest := up_to_date(workspace.merged, config_hash, inputs)):
        return Outcome(manifest, was_current=True)
    started_at = now()

    trained_as = TrainedAs(adapter.details["method"], getattr(torch, adapter.details["dtype"]))
    workspace.verification.unlink(missing_ok=True)  # it speaks of the model that goes now
    with notes.status("Merging …"):
        # On the CPU, whatever the GPU holds: the sum is small work, and memory is the limit.
        trained = load_trained(base, workspace.adapter, trained_as)
        merged = AutoModelForCausalLM.from_pretrained(base, dtype="auto", local_files_only=True)
        fold_in(trained, merged)
        del trained
        with atomic_folder(workspace.merged) as folder:
            _save(merged, base, folder)
    output_hash = folder_hash(workspace.merged)
    with notes.status("Verifying the merged model …"):
        verification = verify(workspace, base, trained_as, output_hash)
    manifest = Manifest(
        command="merge",
        config_hash=config_hash,
        inputs=inputs,
        versions=versions("torch", "transformers", "peft", "bitsandbytes"),
        output_hash=output_hash,
        started_at=started_at,
        finished_at=now(),
        details={
            **{check.name: check.value for check in verification.checks},
            **{f"{name}_loss": loss for name, loss in verification.held_out_loss.items()},
        },
    )
    if not verification.passed:
        failed = next(check for check in verification.checks if not check.passed)
        raise OnbrandError(
            f"{workspace.merged} is not the model that was trained ({failed.name} is "
            f"{failed.value:.3g}, the limit {failed.limit:.3g}); see {workspace.verification}."
        )
    write_manifest(workspace.merged, manifest)
    return Outcome(manifest, was_current=False)


@torch.no_grad()
def fold_in(trained: Any, merged: Any) -> None:
    """Write trained weights, adapter included, over the weights of `merged`, in place.

    Only modules that were quantised or adapted are touched; embeddings and `lm_head` keep the
    base's values and their tie. `trained` is a PeftModel that has never run a forward pass.
    """
    sources = dict(trained.get_base_model().named_modules())
    targets = dict(merged.named_modules())
    for name in written_modules(trained):
        module = sources[name]
        adapted = isinstance(module, LoraLayer)
        weight = _full_precision(module.get_base_layer() if adapted else module)
        if adapted:
            weight = weight + module.get_delta_weight("default").float()
        target = targets[name].weight
        target.copy_(weight.to(target.dtype))


def _full_precision(layer: Any) -> torch.Tensor:
    """The weight a forward pass sees, in fp32, shape (out, in)."""
    weight = layer.weight
    if isinstance(layer, Linear4bit):
        weight = dequantize_4bit(weight.data, weight.quant_state)
    return torch.as_tensor(weight.data).float()


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
