"""An adapter in PEFT's format, as `onbrand tune` leaves it: read, checked, written."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onbrand.errors import UsageError

if TYPE_CHECKING:
    from numpy import ndarray

    Array = ndarray[Any, Any]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"
# What changes more than a product of two matrices can say, and what it is called.
_BEYOND = {
    "use_dora": "is a DoRA adapter",
    "modules_to_save": "holds whole layers",
    "lora_bias": "holds biases",
    "rank_pattern": "has several ranks",
    "alpha_pattern": "has several scales",
}


@dataclass(frozen=True)
class Delta:
    """What is added to one weight: `up @ down`."""

    down: "Array"
    """(rank, in)"""
    up: "Array"
    """(out, rank), the scale included."""


def read_lora(folder: Path) -> dict[str, Delta]:
    """What a folder's adapter adds, by the name of the module.

    Source: https://huggingface.co/docs/peft/developer_guides/checkpoint

    Raises:
        UsageError: no adapter there, or a kind of adapter that vLLM cannot load.
    """
    config, weights = _config(folder), _weights(folder)
    try:
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
        scale = alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank
        names = {name.removesuffix(_DOWN) for name in weights if name.endswith(_DOWN)}
        found = {
            name.removeprefix(_PREFIX): Delta(weights[name + _DOWN], weights[name + _UP] * scale)
            for name in names
        }
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{folder} holds no LoRA adapter that can be read ({CONFIG}).") from error
    if len(weights) != 2 * len(found):
        raise UsageError(f"{folder} holds more than a LoRA adapter, which vLLM cannot load.")
    if not found:
        raise UsageError(f"{folder / WEIGHTS} holds no LoRA weights.")
    return found


def rank_of(lora: Mapping[str, Delta]) -> int:
    """The highest rank in it."""
    return max(int(delta.down.shape[0]) for delta in lora.values())


def write_lora(lora: Mapping[str, Delta], folder: Path, base: Path) -> None:
    """Write it as an adapter for `base`, all modules with the same rank and a scale of 1."""
    import numpy as np
    from safetensors.numpy import save_file

    rank, weights = rank_of(lora), {}
    for name, delta in lora.items():
        missing = rank - delta.down.shape[0]
        down = np.pad(delta.down, ((0, missing), (0, 0)))
        up = np.pad(delta.up, ((0, 0), (0, missing)))
        weights[_PREFIX + name + _DOWN] = np.ascontiguousarray(down)
        weights[_PREFIX + name + _UP] = np.ascontiguousarray(up)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base),
        "r": rank,
        "lora_alpha": rank,
        "target_modules": sorted({name.rsplit(".", 1)[-1] for name in lora}),
        "inference_mode": True,
    }
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        beyond = next((what for key, what in _BEYOND.items() if config.get(key)), None)
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{folder} holds no adapter in PEFT's format ({CONFIG}).") from error
    if beyond:
        raise UsageError(f"{folder} {beyond}, which vLLM cannot load.")
    return config


def _weights(folder: Path) -> "dict[str, Array]":
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights: dict[str, Array] = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError, KeyError) as error:
        # KeyError: a type that numpy does not know, bfloat16.
        raise UsageError(
            f"{folder / WEIGHTS} is missing or holds no 32 or 16 bit floating-point weights."
        ) from error
    return {name: weight.astype("float32") for name, weight in weights.items()}
