"""Is the merged model the one that was trained? Measured, not assumed.

Both are loaded from disk again and compared on the brand's own texts; the result is
`models/merged-verification.json`, which `onbrand serve` asks for.
"""

from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict
from pydantic import BaseModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from finetune.batches import collate
from finetune.data import examples_of
from finetune.examples import Example
from finetune.loss import mean_loss
from finetune.model import TrainedAs, load_tokenizer, load_trained, written_modules
from finetune.reload import logits_hash, logits_hash_elsewhere
from onbrand.atomic import write_text
from onbrand.workspace import Workspace

_LOGIT_LIMIT = {torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 5e-2}
"""Largest relative logit error by the merged model's type: rounding, not another model."""

_TEXTS = 4
_HELD_OUT = 16
"""Validation examples whose loss is compared, at most."""


class Check(BaseModel):
    """One figure that must not be above its limit."""

    name: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """True when the value is a number within the limit."""
        return self.value <= self.limit


class Verification(BaseModel):
    """`models/merged-verification.json`."""

    passed: bool
    merged: str
    """`output_hash` of the merged model this speaks of."""
    dtype: str
    texts: int
    checks: list[Check]
    held_out_loss: dict[str, float]
    """Nats per answer token on validation examples: of `base`, `adapter` and `merged`."""


def verify(
    workspace: Workspace, base: Path, trained_as: TrainedAs, merged_hash: str
) -> Verification:
    """Compare `models/merged/` with base plus adapter, and write the verification."""
    tokenizer = load_tokenizer(base)
    merged_tokenizer = load_tokenizer(workspace.merged)
    examples = examples_of(workspace, "train", tokenizer)[:_TEXTS]
    held_out = examples_of(workspace, "validation", tokenizer)[:_HELD_OUT]

    merged: Any = AutoModelForCausalLM.from_pretrained(workspace.merged, dtype="auto")
    original = AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    trained = load_trained(base, workspace.adapter, trained_as)
    texts = [example.prompt + example.answer for example in examples]
    here, elsewhere = logits_hash(merged, texts), logits_hash_elsewhere(workspace.merged, texts)
    checks = [
        Check(
            name="unused_adapter_tensors",
            value=float(_unused_tensors(trained, workspace.adapter)),
            limit=0.0,
        ),
        Check(
            name="relative_logit_error",
            value=relative_logit_error(trained, merged, examples),
            limit=_LOGIT_LIMIT.get(merged.dtype, 1e-5),
        ),
        Check(
            name="untouched_change",
            value=_untouched_change(original, merged, written_modules(trained)),
            limit=0.0,
        ),
        Check(name="fresh_process_differs", value=float(here != elsewhere), limit=0.0),
        Check(name="embedding_change", value=_embedding_change(original, merged), limit=0.0),
        Check(name="tie_lost", value=float(_tied(original) and not _tied(merged)), limit=0.0),
        Check(
            name="chat_template_change",
            value=float(merged_tokenizer.chat_template != tokenizer.chat_template),
            limit=0.0,
        ),
    ]
    verification = Verification(
        passed=all(check.passed for check in checks),
        merged=merged_hash,
        dtype=str(merged.dtype).removeprefix("torch."),
        texts=len(examples),
        checks=checks,
        held_out_loss=_held_out_loss(
            {"base": original, "adapter": trained.get_base_model(), "merged": merged}, held_out
        ),
    )
    write_text(workspace.verification, verification.model_dump_json(indent=2) + "\n")
    return verification


@torch.no_grad()
def relative_logit_error(trained: Any, merged: Any, examples: list[Example]) -> float:
    """||merged - trained|| / ||trained|| over the logits of all examples, computed in fp32."""
    difference, size = 0.0, 0.0
    for example in examples:
        batch = collate([example], 0, torch.device("cpu"))
        expected = trained(input_ids=batch["input_ids"]).logits.float()
        found = merged(input_ids=batch["input_ids"]).logits.float()
        difference += float((found - expected).square().sum())
        size += float(expected.square().sum())
    return float((difference / size) ** 0.5)


def _unused_tensors(trained: Any, adapter: Path) -> int:
    """Tensors of the adapter's file that the loaded model does not hold, value for value."""
    held = get_peft_model_state_dict(trained, save_embedding_layers=False)
    stored = load_file(adapter / "adapter_model.safetensors")
    return sum(
        name not in held or not torch.equal(held[name].float().cpu(), tensor.float())
        for name, tensor in stored.items()
    )


def _untouched_change(original: Any, merged: Any, written: set[str]) -> float:
    """Largest absolute change of a tensor that the merge had no business with."""
    after = merged.state_dict()
    return max(
        float((tensor.float() - after[name].float()).abs().max())
        for name, tensor in original.state_dict().items()
        if name.rpartition(".")[0] not in written
    )


def _held_out_loss(models: dict[str, Any], examples: list[Example]) -> dict[str, float]:
    """Empty where there are no validation texts."""
    if not examples:
        return {}
    cpu = torch.device("cpu")
    return {name: mean_loss(model, examples, 8, 0, cpu) for name, model in models.items()}


@torch.no_grad()
def _embedding_change(original: Any, merged: Any) -> float:
    """Largest absolute change of an input embedding; the adapter never touches them."""
    before, after = (m.get_input_embeddings().weight for m in (original, merged))
    return float((before.float() - after.float()).abs().max())


def _tied(model: Any) -> bool:
    """Do the input and output embeddings share their memory?"""
    head = model.get_output_embeddings().weight
    return bool(head.data_ptr() == model.get_input_embeddings().weight.data_ptr())
