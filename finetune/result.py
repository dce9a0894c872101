"""What a tuning leaves in `models/adapter/`."""

import json
from pathlib import Path
from typing import Any

from peft import PeftModel
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import save_file

from finetune.card import write_adapter_card
from finetune.checkpoint import RunState, Weights
from finetune.loop import Run
from finetune.plot import plot_loss
from onbrand.artifact import Manifest, folder_hash, now, versions, write_manifest
from onbrand.atomic import atomic_folder
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

_WEIGHTS = {"qlora": "adapter_*", "lora": "adapter_*", "full": "model*"}
"""The files that make one result differ from another."""


def write_result(
    workspace: Workspace,
    base: Path,
    run: Run,
    state: RunState,
    best: Weights,
    manifest: Manifest,
    *,
    planned_steps: int,
) -> None:
    """Write the best weights, the log, the samples, the plot and the card, all at once.

    Args:
        workspace: gets `models/adapter/`.
        base: folder of the base model.
        run: that has ended.
        state: of its end.
        best: weights to keep.
        manifest: what was known before the run; its figures are filled in here.
        planned_steps: more than were done where the run stopped early.

    Raises:
        OnbrandError: nothing was learned.
    """
    if not _have_learned(best):
        raise OnbrandError(
            f"Nothing was learned: the best weights, of step {state.best_step}, are those the run "
            "began with. Raise [tune] learning_rate or epochs, and run `onbrand tune --force`."
        )
    with atomic_folder(workspace.adapter) as partial:
        _save_model(run.model, best, run.tokenizer, partial, workspace.config.model.base)
        _write_lines(partial / "log.jsonl", state.log)
        _write_lines(partial / "samples.jsonl", state.samples)
        plot_loss(state.log, partial / "loss.png")
        manifest.versions = versions("torch", "transformers", "peft", "bitsandbytes", "accelerate")
        manifest.counts |= {
            "steps": state.step,
            "tokens": int(sum(row["tokens"] for row in state.log)),
            "processes": run.processes.count,
        }
        manifest.details |= {
            "final_loss": state.log[-1]["loss"],
            "best_validation_loss": state.best_loss if state.best_loss < float("inf") else None,
            "best_step": state.best_step,
            "stopped_early": state.step < planned_steps,
            "seconds": round(sum(row["seconds"] for row in state.log), 1),
            "device": str(run.processes.device),
            "packing": run.packing,
            "learning_rate": state.learning_rate,
            # What a merge has to repeat to meet the weights that were trained on.
            "method": run.settings.method,
            "dtype": str(run.dtype).removeprefix("torch."),
        }
        if state.lowered_after:
            manifest.details["learning_rate_lowered_after_step"] = state.lowered_after
        manifest.output_hash = folder_hash(partial, _WEIGHTS[run.settings.method])
        manifest.finished_at = now()
        write_adapter_card(partial, workspace, base, manifest)
        write_manifest(partial, manifest)


def _have_learned(weights: Weights) -> bool:
    """An adapter starts with zeros in its second factor, and so changes nothing."""
    second = [tensor for name, tensor in weights.items() if "lora_B" in name]
    return not second or any(bool(tensor.any()) for tensor in second)


def _save_model(model: Any, best: Weights, tokenizer: Any, folder: Path, base: str) -> None:
    """The adapter in PEFT's format, or the whole model where all of it was trained.

    From `best` alone: of the model itself this process may hold a share.
    """
    if isinstance(model, PeftModel):
        config = model.peft_config["default"]
        config.base_model_name_or_path = base
        config.inference_mode = True
        config.save_pretrained(str(folder))
        save_file(best, folder / SAFETENSORS_WEIGHTS_NAME, metadata={"format": "pt"})
    else:
        model.save_pretrained(folder, state_dict=best)
    tokenizer.save_pretrained(folder)


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")
