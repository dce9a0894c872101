"""Which unfinished run a new one goes on with.

A run goes on from a checkpoint where everything that decides its steps is the same: the examples,
the base, and how it learns. What only costs memory and time may change on the way (a person whose
memory ran out lowers `micro_batch_size` and goes on), and so may when to look, and when to stop.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from finetune.checkpoint import RunState
from finetune.examples import Example
from onbrand.config import BrandConfig
from onbrand.console import notes

COST = ("tune.recompute", "tune.shard")
"""What decides memory and time alone."""

LOOKS = ("tune.checkpoint_steps", "tune.patience", "tune.samples")
"""When a run is looked at, and when it stops; the steps in between are the same."""

PASSES = ("tune.micro_batch_size", "tune.packing", "tune.pack_tokens")
"""Which examples share a forward pass: no other gradient, but with dropout other random numbers."""

RATE = "tune.learning_rate"
"""May be lowered once the loss was no longer a number; compared apart."""


def new_state(config: BrandConfig, inputs: Mapping[str, str], learning_rate: float) -> RunState:
    """The state of a run that has done nothing yet.

    Args:
        config: the workspace's settings.
        inputs: hash of data set, base and question files, by name.
        learning_rate: the peak.
    """
    free = (*COST, *LOOKS, RATE) if config.tune.dropout else (*COST, *LOOKS, *PASSES, RATE)
    decisive = f"{config.hash_for('adapter', without=free)} {sorted(inputs.items())}"
    return RunState(
        fingerprint=hashlib.sha256(decisive.encode()).hexdigest(),
        settings=config.hash_for("adapter"),
        learning_rate=learning_rate,
    )


def hash_of(examples: Iterable[Example]) -> str:
    """SHA-256 over the token ids of examples, in their order."""
    ids = [(example.prompt, example.answer) for example in examples]
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()


def is_unfinished(found: RunState | None, new: RunState) -> bool:
    """Was this very run, with all its settings, begun and not ended?

    Args:
        found: state of the checkpoint, if there is one.
        new: what `new_state` says of the settings.
    """
    return (
        found is not None
        and found.fingerprint == new.fingerprint
        and found.settings == new.settings
    )


def state_to_start_from(found: RunState | None, new: RunState, folder: Path) -> RunState:
    """That of the checkpoint in `folder` where the run goes on from it, else `new`; says which.

    Args:
        found: state of the checkpoint, if there is one.
        new: what `new_state` says of the settings.
        folder: of the checkpoint.
    """
    if found is None or not found.step:
        return new
    is_lower = found.is_diverging and new.learning_rate < found.learning_rate
    is_same = found.learning_rate == new.learning_rate
    is_other = (found.fingerprint, found.examples) != (new.fingerprint, new.examples)
    if is_other or not (is_lower or is_same):
        notes.print(
            f"{folder} holds step {found.step} of a run with other settings or data; this one "
            "begins anew.",
            soft_wrap=True,
        )
        return new
    state = replace(
        found, settings=new.settings, learning_rate=new.learning_rate, is_diverging=False
    )
    said = f"Resuming after step {state.step}"
    if is_lower:
        state.lowered_after = state.step
        said += (
            f" with learning rate {new.learning_rate:g} instead of {found.learning_rate:g}, at "
            "which the loss was no longer a number"
        )
    notes.print(f"{said}.", soft_wrap=True)
    return state
