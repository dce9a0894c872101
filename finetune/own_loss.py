"""Is the loss that is trained the model's own? Tried, not looked up in a list of architectures.

The loss is computed from the decoder and the output embedding alone. Some models change their
logits after that (Granite and Cohere scale them, Gemma 2 caps them); trained without it, they would
learn for another model than the one that is served.
"""

from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy

from finetune.examples import Example
from finetune.loss import evaluating, token_losses
from finetune.model import mixed_precision
from finetune.token_tree import padded_batch
from onbrand.errors import UsageError

_TOKENS = 24
"""Of an answer, in the trial."""
_LIMIT = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""Largest mean difference of a token's loss, nats: rounding, not another function."""


@torch.no_grad()
def refuse_other_loss(
    model: Any, examples: Sequence[Example], pad_id: int, device: torch.device, dtype: torch.dtype
) -> None:
    """Compare the losses of an example with those of the model's own forward pass.

    Raises:
        UsageError: they differ.
    """
    one = examples[0]
    trial = [Example(one.record_id, one.form, one.prompt, one.answer[:_TOKENS])]
    batch = padded_batch(trial, pad_id, device)
    causal_lm: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    with evaluating(model), mixed_precision(device, dtype):
        ours = token_losses(model, batch)
        logits = causal_lm(
            input_ids=batch["input_ids"],
            position_ids=batch["position_ids"],
            attention_mask=batch["attention_mask"],
            use_cache=False,
        ).logits.flatten(0, 1)[batch["sources"]]
    own = cross_entropy(logits.float(), batch["targets"], reduction="none")
    if not float((own - ours).abs().mean()) <= _LIMIT[dtype]:
        raise UsageError(
            f"The base model, a {type(causal_lm).__name__}, changes its logits after the output "
            "embedding, which tuning does not do; name another in [model] base, such as one of the "
            "Llama family."
        )
