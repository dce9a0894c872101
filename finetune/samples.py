"""Texts that the model writes while it is being tuned: the eye sees what a loss does not."""

from collections.abc import Sequence
from typing import Any

import torch

from finetune.examples import Example
from finetune.loss import evaluating

_LENGTH = 48
"""Tokens of a sample, at most."""


@torch.no_grad()
def write_samples(
    model: Any, tokenizer: Any, examples: Sequence[Example], count: int
) -> list[dict[str, str]]:
    """Greedy answers to the first `count` different prompts; each with its `prompt` and `text`.

    Greedy, so that the texts of two checkpoints differ by what was learned alone, and so that no
    random number is drawn that training would have had.
    """
    prompts = list(dict.fromkeys(tuple(example.prompt) for example in examples))[:count]
    written = []
    with evaluating(model):
        for prompt in prompts:
            ids = torch.tensor([prompt], device=model.device)
            answer = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=_LENGTH,
                do_sample=False,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )[0, len(prompt) :]
            written.append(
                {
                    "prompt": tokenizer.decode(prompt),
                    "text": tokenizer.decode(answer, skip_special_tokens=True),
                }
            )
    return written
