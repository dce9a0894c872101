"""Two sections of a model card: how the model was tuned, and what its verification measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.verification import Verification
from onbrand.artifact import Manifest, read_manifest
from onbrand.workspace import Workspace

_METHODS = {
    "qlora": "LoRA, the base in NF4 with double quantisation (QLoRA)",
    "lora": "LoRA, the base as it is",
    "full": "all weights",
}


def tuning_section(workspace: Workspace, manifest: Manifest, folder: Path) -> str:
    """Data set, settings and losses of the tuning.

    Args:
        workspace: the data set, and the settings as they are today.
        manifest: of the tuning.
        folder: what it left.
    """
    dataset = read_manifest(workspace.dataset)
    splits = {
        split: dataset.counts[split]
        for split in ("train", "validation", "test")
        if dataset and split in dataset.counts
    }
    counts, details = manifest.counts, manifest.details
    figures: dict[str, Any] = {
        "texts": ", ".join(f"{split} {count:,}" for split, count in splits.items()),
        "examples": counts.get("examples"),
        "answer tokens seen": counts.get("tokens"),
        "steps": counts.get("steps"),
        "method": _METHODS.get(details.get("method", ""), details.get("method")),
        **_adapter_settings(folder),
        **_settings(workspace, manifest),
        "learning rate": _rate(details),
        "learning rate lowered after step": details.get("learning_rate_lowered_after_step"),
        "trained parameters": counts.get("trainable_parameters"),
        "of all": counts.get("parameters"),
        "loss at the last step": details.get("final_loss"),
        "lowest validation loss": details.get("best_validation_loss"),
        "at step": details.get("best_step"),
        "seed": manifest.seed,
        "device": details.get("device"),
        "seconds": details.get("seconds"),
    }
    rows = {name: value for name, value in figures.items() if value not in (None, "")}
    return (
        f"{_table(rows)}\n\n"
        "Losses are nats per answer token, EOS included. The weights kept are those with the "
        "lowest validation loss. Texts of the test split were never seen."
    )


def _rate(details: Mapping[str, Any]) -> str:
    peak = details.get("learning_rate")
    return f"{peak:g}, warm-up and cosine" if peak else ""


def _adapter_settings(folder: Path) -> dict[str, Any]:
    """What PEFT's configuration says; empty for a model that was trained as a whole."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except OSError:
        return {}
    scale = "alpha / √rank (rsLoRA)" if config["use_rslora"] else "alpha / rank"
    modules = config["target_modules"]
    return {
        "rank": config["r"],
        "alpha": config["lora_alpha"],
        "scale": scale,
        "magnitudes": "trained apart (DoRA)" if config["use_dora"] else None,
        "adapted": ", ".join(sorted(modules)) if isinstance(modules, list) else modules,
    }


def _settings(workspace: Workspace, manifest: Manifest) -> dict[str, Any]:
    """Settings that stand in brand.toml only; none once it has changed since the tuning."""
    if workspace.config.hash_for("adapter") != manifest.config_hash:
        return {}
    tune = workspace.config.tune
    return {
        "batch size": tune.batch_size,
        "epochs": f"{tune.epochs:g}",
        "longest example, tokens": tune.max_tokens,
    }


def verification_section(verification: Verification) -> str:
    """Every check, the answers that end, and the held-out losses."""
    stops = verification.stops
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in verification.held_out_loss.items())
    checks = {
        check.name: f"{check.value:.3g} (at most {check.limit:g})" for check in verification.checks
    }
    return (
        f"Loaded from its files again and compared with base plus adapter, in fp32, by "
        f"`onbrand merge`. Stored as {verification.dtype}.\n\n"
        f"{_table(checks, ('check', 'measured'))}\n\n"
        f"Greedy answers to {stops.prompts} training prompts: {stops.stopped} end within "
        f"{stops.limit} tokens; EOS after training answers costs {stops.end_loss:.3g} nats, "
        f"with the base model {stops.base_end_loss:.3g}. Logits differ from the model as it was "
        f"trained by {verification.distance_from_trained:.3g}, relatively.\n\n"
        f"Held-out loss, nats per answer token: {losses or 'no validation texts'}."
    )


def _table(rows: Mapping[str, Any], headings: tuple[str, str] = ("", "")) -> str:
    lines = [list(headings), ["---", "---"]]
    lines += [[name, _readable(value)] for name, value in rows.items()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _readable(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
