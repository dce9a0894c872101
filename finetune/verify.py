"""Is the merged model the one that was trained? Measured, not assumed.

Both are loaded from disk again and compared on the brand's own texts; the result is
`models/merged-verification.json`, which `onbrand serve` asks for.
"""

from itertools import islice
from pathlib import Path
from typing import Any

import torch
from datasets import load_from_disk
from pydantic import BaseModel
from transformers import AutoModelForCausalLM

from finetune.batches import collate
from finetune.examples import Example, make_examples
from finetune.model import TrainedAs, load_tokenizer, load_trained
from onbrand.atomic import write_text
from onbrand.record import Record
from onbrand.workspace import Workspace

_LOGIT_LIMIT = {torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 5e-2}
"""Largest relative logit error by the merged model's type: rounding, not another model."""

_TEXTS = 4


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


def verify(
    workspace: Workspace, base: Path, trained_as: TrainedAs, merged_hash: str
) -> Verification:
    """Compare `models/merged/` with base plus adapter, and write the verification."""
    tokenizer = load_tokenizer(base)
    merged_tokenizer = load_tokenizer(workspace.merged)
    config = workspace.config
    rows = islice(iter(load_from_disk(str(workspace.dataset / "train"))), _TEXTS)
    records = [Record.model_validate(row) for row in rows]
    examples = make_examples(records, config.brand, tokenizer, config.tune.max_tokens)[:_TEXTS]

    merged: Any = AutoModelForCausalLM.from_pretrained(workspace.merged, dtype="auto")
    original = AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    trained = load_trained(base, workspace.adapter, trained_as)
    checks = [
        Check(
            name="relative_logit_error",
            value=relative_logit_error(trained, merged, examples),
            limit=_LOGIT_LIMIT.get(merged.dtype, 1e-5),
        ),
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


@torch.no_grad()
def _embedding_change(original: Any, merged: Any) -> float:
    """Largest absolute change of an input embedding; the adapter never touches them."""
    before, after = (m.get_input_embeddings().weight for m in (original, merged))
    return float((before.float() - after.float()).abs().max())


def _tied(model: Any) -> bool:
    """Do the input and output embeddings share their memory?"""
    head = model.get_output_embeddings().weight
    return bool(head.data_ptr() == model.get_input_embeddings().weight.data_ptr())
