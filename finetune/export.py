"""The merged model as one file that runs without Python: `onbrand export`.

It is loaded back before it is kept: the logits must be the merged model's, up to the rounding that
was asked for, and the tokens the same. Where llama.cpp is installed, its own text is checked too.
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.data import examples_of
from finetune.differences import relative_logit_error
from finetune.examples import Example
from finetune.gguf_load import load_gguf
from finetune.gguf_model import Precision, write_gguf
from finetune.llama_cpp import PROGRAM, mean_regret
from finetune.model import load_tokenizer
from finetune.verification import read_verification
from onbrand.artifact import (
    Manifest,
    Outcome,
    folder_hash,
    now,
    read_manifest,
    required_manifest,
    up_to_date,
    versions,
    write_manifest,
)
from onbrand.atomic import atomic_folder
from onbrand.console import notes
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

LIMIT = {"f16": 5e-3, "q8_0": 0.1}
"""Largest relative logit error: rounding, not another model."""
REGRET = 0.2
"""Most nats that llama.cpp's greedy tokens may be off on average: with 8 bits a weight 0.003 were
measured, and above 1.3 with queries and keys in the wrong order."""

_TEXTS = 4


def export(workspace: Workspace, precision: Precision, *, force: bool = False) -> Outcome:
    """Write `models/gguf-PRECISION/model.gguf` from the merged model, and verify it.

    Raises:
        OnbrandError: no merged model, one that failed its verification, no data set to verify the
            file with, a model that GGUF cannot hold, or a file that is not that model.
    """
    _refuse_what_failed(workspace)
    merged = required_manifest(workspace.merged, "merged model", "merge")
    folder = workspace.merged.with_name(f"gguf-{precision}")
    inputs = {"merged": merged.output_hash}
    if not force and (manifest := up_to_date(folder, precision, inputs)):
        return Outcome(manifest, was_current=True)
    started_at = now()
    # Computing in 16 bits would be off by more than the file may be.
    model: Any = AutoModelForCausalLM.from_pretrained(workspace.merged, dtype=torch.float32)
    tokenizer = load_tokenizer(workspace.merged)
    examples = examples_of(workspace, "train", tokenizer)[:_TEXTS]
    name = workspace.config.brand.name or "Onbrand"
    with atomic_folder(folder) as partial:
        path = partial / "model.gguf"
        with notes.status(f"Writing {path.name} …"):
            write_gguf(model, tokenizer, path, precision, name)
        with notes.status("Loading it back …"):
            error = _verified(path, model, tokenizer, examples, precision)
        regret = _verified_by_llama_cpp(path, model, tokenizer, examples)
        manifest = Manifest(
            command="export",
            config_hash=precision,
            inputs=inputs,
            versions=versions("gguf", "torch", "transformers"),
            counts={"bytes": path.stat().st_size},
            output_hash=folder_hash(partial),
            started_at=started_at,
            finished_at=now(),
            details={
                "precision": precision,
                "relative_logit_error": error,
                "llama_cpp_regret": regret,
            },
        )
        write_manifest(partial, manifest)
    notes.print(f"llama.cpp: llama-cli -m {folder / 'model.gguf'}", soft_wrap=True, markup=False)
    return Outcome(manifest, was_current=False)


def _refuse_what_failed(workspace: Workspace) -> None:
    """Raises OnbrandError where a merged model is there, but without the manifest of a good one."""
    if not workspace.merged.is_dir() or read_manifest(workspace.merged) is not None:
        return
    verification = read_verification(workspace.verification)
    if verification is not None and verification.failed:
        raise OnbrandError(
            f"{workspace.merged} failed its verification and is not exported. {verification.reason}"
            f"; see {workspace.verification}, and docs/merge.md on its checks."
        )


def _verified(
    path: Path, model: Any, tokenizer: Any, examples: list[Example], precision: Precision
) -> float:
    """The relative logit error of the file.

    Raises:
        OnbrandError: it is above the limit, or the tokens are others.
    """
    read = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
    for example in examples:
        text = tokenizer.decode(example.prompt + example.answer)
        if read(text, add_special_tokens=False)["input_ids"] != example.prompt + example.answer:
            raise OnbrandError(
                f"The exported tokenizer cuts record {example.record_id} into other tokens."
            )
    error = relative_logit_error(model, load_gguf(path), examples)
    if not error <= LIMIT[precision]:
        raise OnbrandError(
            f"The exported model is not the merged one: its logits differ by {error:.3g}, the "
            f"limit is {LIMIT[precision]:g}."
        )
    return error


def _verified_by_llama_cpp(
    path: Path, model: Any, tokenizer: Any, examples: list[Example]
) -> float | None:
    """How far llama.cpp's greedy text is from the model's own, in nats; None without llama.cpp.

    Raises:
        OnbrandError: too far, or it cannot run the file.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        notes.print(f"{PROGRAM} is not on the PATH: llama.cpp itself has not run the file.")
        return None
    with notes.status(f"Asking {program} …"):
        prompts = list(dict.fromkeys(tuple(example.prompt) for example in examples))
        regret = mean_regret(path, model, tokenizer, prompts)
    if not regret <= REGRET:
        raise OnbrandError(
            f"{program} makes another text of the exported file: its tokens are off by "
            f"{regret:.3g} nats, the limit is {REGRET:g}."
        )
    notes.print(f"{program} runs it; its greedy tokens are off by {regret:.2g} nats.")
    return regret
