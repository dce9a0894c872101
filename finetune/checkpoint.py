"""A checkpoint: everything a killed run needs to end as an uninterrupted one would have."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from finetune.sharding import part_like, whole
from onbrand.atomic import atomic_folder, recover_folder, write_text

_STATE, _WEIGHTS, _BEST, _OPTIMIZER = (
    "state.json",
    "trained.safetensors",
    "best.safetensors",
    "optimizer.pt",
)


@dataclass
class RunState:
    """How far a run is; saved with the weights."""

    fingerprint: str
    """Hash of what decides the steps (`finetune/resume.py`); that of another run is not resumed."""
    settings: str = ""
    """Hash of all settings that the adapter is said to be made with."""
    examples: str = ""
    """Hash of their token ids: briefs may have been worded anew, and templates may print a date."""
    learning_rate: float = 0.0
    """Peak of the schedule."""
    is_diverging: bool = False
    """A loss after this checkpoint was no number; a lower learning rate may go on from it."""
    lowered_after: int = 0
    """The step after which the learning rate was lowered for that reason; 0: never."""
    step: int = 0
    """Optimiser steps done."""
    best_step: int = 0
    best_loss: float = float("inf")
    """Lowest validation loss so far, nats per token."""
    without_better: int = 0
    """Checkpoints since the best one."""
    log: list[dict[str, float]] = field(default_factory=list)
    """One row a step: step, loss, learning_rate, tokens, seconds, and validation_loss at times."""
    samples: list[dict[str, Any]] = field(default_factory=list)
    """Texts written on the way: step, prompt, text."""


Weights = dict[str, torch.Tensor]


def trained_weights(model: Any, keep: bool = True) -> Weights:
    """A copy, on the CPU, of the tensors that are trained: the adapter's, or all.

    Every process that holds a part of the model must ask; one that need not `keep` them gets none.
    """
    return _whole_on_cpu(_trained_tensors(model), keep)


def _trained_tensors(model: Any) -> Weights:
    """Those of the model itself, by the names they are saved under; a tied head is there once."""
    if isinstance(model, PeftModel):
        # Left to guess whether embeddings were changed, PEFT would ask the hub for the base.
        tensors: Weights = get_peft_model_state_dict(model, save_embedding_layers=False)
        return tensors
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def _whole_on_cpu(tensors: Weights, keep: bool) -> Weights:
    """Copies of them, one after the other, since a device may have no room for all at once."""
    copies = {}
    for name, tensor in tensors.items():
        full = whole(tensor)  # with all processes, whoever keeps it
        if keep:
            copies[name] = full.cpu().clone()
    return copies


def save(
    folder: Path, model: Any, best: Weights, optimizer: Any, state: RunState, is_first: bool
) -> None:
    """Write a checkpoint atomically in place of the one before.

    Every process that holds a part of the model must call it; only the first one writes.
    """
    weights = trained_weights(model, is_first)
    optimizer_state = optimizer.state_dict()
    optimizer_state["state"] = {
        index: _whole_on_cpu(moments, is_first)
        for index, moments in optimizer_state["state"].items()
    }
    if not is_first:
        return
    with atomic_folder(folder) as partial:
        save_file(weights, partial / _WEIGHTS)
        save_file(best, partial / _BEST)
        torch.save(optimizer_state, partial / _OPTIMIZER)
        _write_state(partial, state)


def begin(folder: Path, state: RunState) -> None:
    """Note that a run has begun, in place of any checkpoint; it has nothing to go on from yet."""
    with atomic_folder(folder) as partial:
        _write_state(partial, state)


def read(folder: Path) -> RunState | None:
    """How far the run of the checkpoint is; None where there is none that can be read."""
    recover_folder(folder)
    try:
        return RunState(**json.loads((folder / _STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def mark_diverging(folder: Path) -> None:
    """Note in the checkpoint that a loss after it was no number."""
    if state := read(folder):
        _write_state(folder, replace(state, is_diverging=True))


def load(folder: Path, model: Any, optimizer: Any, state: RunState) -> Weights:
    """Give model and optimiser what the checkpoint holds, where `state` goes on from it.

    Returns the best weights so far.
    """
    if not state.step:
        return trained_weights(model)
    saved = load_file(folder / _WEIGHTS)
    for name, tensor in _trained_tensors(model).items():
        tensor.copy_(part_like(saved[name], tensor))
    optimizer_state = torch.load(folder / _OPTIMIZER, map_location="cpu", weights_only=True)
    parameters = optimizer.param_groups[0]["params"]
    for index, moments in optimizer_state["state"].items():
        for name, moment in moments.items():
            if moment.shape == parameters[index].shape:  # the count of steps has none
                moments[name] = part_like(moment, parameters[index])
    optimizer.load_state_dict(optimizer_state)
    return load_file(folder / _BEST)


def _write_state(folder: Path, state: RunState) -> None:
    write_text(folder / _STATE, json.dumps(asdict(state)))
