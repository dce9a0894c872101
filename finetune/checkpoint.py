"""A checkpoint: everything a killed run needs to end as an uninterrupted one would have."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from onbrand.atomic import atomic_folder, recover_folder

_STATE, _WEIGHTS, _BEST, _OPTIMIZER = (
    "state.json",
    "adapter.safetensors",
    "best.safetensors",
    "optimizer.pt",
)


@dataclass
class Progress:
    """How far a run is; saved with the weights."""

    fingerprint: str
    """Hash of configuration, data and base; a checkpoint of another run is not resumed."""
    step: int = 0
    """Optimiser steps done."""
    best_step: int = 0
    best_loss: float = float("inf")
    """Lowest validation loss so far, nats per token."""
    log: list[dict[str, float]] = field(default_factory=list)
    """One row a step: step, loss, learning_rate, tokens, seconds, and validation_loss at times."""


Weights = dict[str, torch.Tensor]


def adapter_weights(model: Any) -> Weights:
    """A copy of the adapter's tensors on the CPU."""
    return {
        name: tensor.detach().cpu().clone()
        for name, tensor in get_peft_model_state_dict(model).items()
    }


def set_adapter_weights(model: Any, weights: Weights) -> None:
    """Put saved tensors into the model's adapter."""
    set_peft_model_state_dict(model, weights)


def save(folder: Path, model: Any, best: Weights, optimizer: Any, progress: Progress) -> None:
    """Write a checkpoint atomically in place of the one before."""
    with atomic_folder(folder) as partial:
        save_file(adapter_weights(model), partial / _WEIGHTS)
        save_file(best, partial / _BEST)
        torch.save(optimizer.state_dict(), partial / _OPTIMIZER)
        (partial / _STATE).write_text(json.dumps(asdict(progress)), encoding="utf-8")


def load(folder: Path, model: Any, optimizer: Any, fingerprint: str) -> tuple[Progress, Weights]:
    """Continue from the checkpoint in `folder`, or start anew when there is none for this run.

    Returns the progress and the best adapter so far.
    """
    recover_folder(folder)
    progress = _read_progress(folder)
    if progress is None or progress.fingerprint != fingerprint:
        return Progress(fingerprint), adapter_weights(model)
    set_adapter_weights(model, load_file(folder / _WEIGHTS))
    optimizer.load_state_dict(torch.load(folder / _OPTIMIZER, weights_only=True))
    return progress, load_file(folder / _BEST)


def _read_progress(folder: Path) -> Progress | None:
    try:
        return Progress(**json.loads((folder / _STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
