"""A checkpoint: everything a killed run needs to end as an uninterrupted one would have."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from onbrand.atomic import atomic_folder, recover_folder

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
    """Hash of configuration, data and base; a checkpoint of another run is not resumed."""
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
    """Texts written on the way: step, request, text."""


Weights = dict[str, torch.Tensor]


def trained_weights(model: Any) -> Weights:
    """A copy, on the CPU, of the tensors that are trained: the adapter's, or all."""
    if isinstance(model, PeftModel):
        # Left to guess whether embeddings were changed, PEFT would ask the hub for the base.
        tensors = get_peft_model_state_dict(model, save_embedding_layers=False).items()
    else:
        tensors = model.named_parameters()
    return {name: tensor.detach().cpu().clone() for name, tensor in tensors}


def set_trained_weights(model: Any, weights: Weights) -> None:
    """Put saved tensors back into the model."""
    if isinstance(model, PeftModel):
        set_peft_model_state_dict(model, weights)
    else:
        model.load_state_dict(weights, strict=False)  # a tied head is in it once


def save(folder: Path, model: Any, best: Weights, optimizer: Any, state: RunState) -> None:
    """Write a checkpoint atomically in place of the one before."""
    with atomic_folder(folder) as partial:
        save_file(trained_weights(model), partial / _WEIGHTS)
        save_file(best, partial / _BEST)
        torch.save(optimizer.state_dict(), partial / _OPTIMIZER)
        (partial / _STATE).write_text(json.dumps(asdict(state)), encoding="utf-8")


def belongs_to(folder: Path, fingerprint: str) -> bool:
    """Is there a checkpoint of this very run?"""
    recover_folder(folder)
    state = _read_state(folder)
    return state is not None and state.fingerprint == fingerprint


def load(folder: Path, model: Any, optimizer: Any, fingerprint: str) -> tuple[RunState, Weights]:
    """Continue from the checkpoint in `folder`, or start anew when there is none for this run.

    Returns the state and the best weights so far.
    """
    state = _read_state(folder) if belongs_to(folder, fingerprint) else None
    if state is None:
        return RunState(fingerprint), trained_weights(model)
    set_trained_weights(model, load_file(folder / _WEIGHTS))
    optimizer.load_state_dict(torch.load(folder / _OPTIMIZER, weights_only=True))
    return state, load_file(folder / _BEST)


def _read_state(folder: Path) -> RunState | None:
    try:
        return RunState(**json.loads((folder / _STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
