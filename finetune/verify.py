"""Is the merged model the one that was trained? Measured, not assumed.

Both are loaded from disk again and compared on the brand's own texts; the result becomes
`models/merged-verification.json`, which `onbrand serve` asks for.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from finetune.data import examples_of
from finetune.differences import (
    embedding_change,
    in_fp32,
    is_tied,
    largest_change,
    relative_logit_error,
    tokenizer_changes,
    unused_tensors,
    weight_error,
)
from finetune.examples import Example
from finetune.loss import mean_loss
from finetune.model import TrainedAs, load_tokenizer, load_trained, written_modules
from finetune.reload import differs_elsewhere
from finetune.stops import measure_stops
from finetune.verification import Check, Onto, Verification
from onbrand.artifact import folder_hash
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

UNQUANTISED = TrainedAs("lora", torch.float32)
"""How the base is loaded for an adapter that shall meet its original weights."""

_LOGIT_LIMIT = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 5e-2}
"""Largest relative logit error, by the coarser type of the two: rounding, not another model, as
measured (docs/measured.md)."""
_WEIGHT_LIMIT = {torch.float16: 2**-11, torch.bfloat16: 2**-8}
"""Largest relative error of a matrix, by its type: the most that rounding does to any number; in
fp32 1e-6."""

_TEXTS = 4
_HELD_OUT = 32
"""Validation examples whose loss is compared, at most."""


def verify(
    workspace: Workspace,
    base: Path,
    folder: Path,
    trained_as: TrainedAs,
    onto: Onto = "dequantised",
) -> Verification:
    """Compare the merged model in `folder` with base plus adapter.

    A merge `onto` the original base is compared with the adapter on that base, and judged by its
    held-out loss, which may not be above that of the model that was trained.

    Raises:
        OnbrandError: one of the models cannot be loaded at all.
    """
    tokenizer = load_tokenizer(base)
    train = examples_of(workspace, "train", tokenizer)
    texts = train[:_TEXTS]
    merged, lost = _load(folder)
    original, _ = _load(base)
    trained = load_trained(base, workspace.adapter, trained_as)
    as_trained = onto == "dequantised" or trained_as.method != "qlora"
    expected = trained if as_trained else load_trained(base, workspace.adapter, UNQUANTISED)
    dtype = merged.dtype
    if merged.get_input_embeddings().num_embeddings < len(tokenizer):
        raise OnbrandError(
            f"The merged model has {merged.get_input_embeddings().num_embeddings} embeddings, "
            f"fewer than the {len(tokenizer)} tokens of the tokenizer in {base}; name a base whose "
            "tokenizer fits it."
        )

    # First what asks the model as it will be served; then all is compared in fp32.
    stops = measure_stops(merged, original, load_tokenizer(folder), train)
    ids = [example.prompt + example.answer for example in texts]
    checks = [
        _check("lost_tensors", lost),
        _check("fresh_process_differs", differs_elsewhere(merged, folder, ids)),
        _check("weight_error", weight_error(expected, merged), _WEIGHT_LIMIT.get(dtype, 1e-6)),
        *_tensor_checks(workspace, original, trained, merged),
        *_text_checks(folder, tokenizer, train),
        _check("end_token_lost", not _ends_at(merged, tokenizer.eos_token_id)),
        _check("end_not_learned", not stops.learned),
    ]
    models = {"base": original, "adapter": trained, "merged": merged}
    for model in models.values():
        in_fp32(model)
    losses = held_out_losses(models, held_out_examples(workspace, tokenizer))
    distance = relative_logit_error(trained, merged, texts)
    if as_trained:
        limit = max(_LOGIT_LIMIT.get(kind, 1e-5) for kind in (dtype, trained_as.dtype))
        checks.insert(0, _check("relative_logit_error", distance, limit))
    else:
        error = relative_logit_error(expected, merged, texts)
        rise = losses["merged"] - losses["adapter"] if losses else float("nan")
        checks.insert(0, _check("relative_logit_error", error, _LOGIT_LIMIT.get(dtype, 1e-5)))
        checks.insert(1, _check("held_out_loss_rise", rise))
    return Verification(
        passed=all(check.passed for check in checks),
        merged=folder_hash(folder),
        dtype=str(dtype).removeprefix("torch."),
        onto=onto,
        texts=len(texts),
        checks=checks,
        stops=stops,
        held_out_loss=losses,
        distance_from_trained=distance,
    )


def held_out_examples(workspace: Workspace, tokenizer: Any) -> list[Example]:
    """The validation examples that losses are measured on."""
    return examples_of(workspace, "validation", tokenizer)[:_HELD_OUT]


def held_out_losses(models: Mapping[str, Any], examples: Sequence[Example]) -> dict[str, float]:
    """Nats per answer token of each model; empty where there are no validation texts."""
    if not examples:
        return {}
    cpu = torch.device("cpu")
    return {name: mean_loss(model, examples, 8, 0, cpu) for name, model in models.items()}


def _load(folder: Path) -> tuple[Any, int]:
    """The model as it is, and how many of its tensors the files do not give or do not fit.

    transformers puts random numbers where a tensor is missing, and goes on.
    """
    loader: Any = AutoModelForCausalLM
    try:
        model, report = loader.from_pretrained(
            folder,
            dtype="auto",
            local_files_only=True,
            ignore_mismatched_sizes=True,  # they are counted
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise OnbrandError(f"{folder} cannot be loaded as a causal model: {error}") from error
    kinds = ("missing_keys", "mismatched_keys", "unexpected_keys")
    return model, sum(len(report[kind]) for kind in kinds)


def _tensor_checks(workspace: Workspace, original: Any, trained: Any, merged: Any) -> list[Check]:
    """What the merge may not have changed, and what it may not have left out."""
    # An adapter leaves what it does not adapt as it was; all of a whole model was trained.
    if isinstance(trained, PeftModel):
        reference, written = original, written_modules(trained)
    else:
        reference, written = trained, set()
    return [
        _check("unused_adapter_tensors", unused_tensors(trained, workspace.adapter)),
        _check("untouched_change", largest_change(reference, merged, written)),
        _check("embedding_change", embedding_change(reference, merged)),
        _check("tie_lost", is_tied(original) and not is_tied(merged)),
    ]


def _text_checks(folder: Path, tokenizer: Any, train: Sequence[Example]) -> list[Check]:
    """Template and tokenizer: what was trained on is what will be served."""
    merged = load_tokenizer(folder)
    return [
        _check("chat_template_change", merged.chat_template != tokenizer.chat_template),
        _check("tokenizer_change", tokenizer_changes(tokenizer, merged, train)),
    ]


def _ends_at(model: Any, eos: int) -> bool:
    """Does generation stop at EOS?"""
    stops = model.generation_config.eos_token_id
    return eos in (stops if isinstance(stops, list) else [stops])


def _check(name: str, value: float, limit: float = 0.0) -> Check:
    return Check(name=name, value=float(value), limit=limit)
