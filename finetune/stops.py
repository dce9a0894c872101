"""Has the model learned to stop? Its greedy answers to training prompts are asked to end."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch

from finetune.examples import Example
from finetune.verification import Stops

PROMPTS = 10
_LONGEST = 256
"""Tokens an answer may take at most, whatever the training answers took: time is limited."""


def shortest_prompts(examples: Sequence[Example], eos_id: int) -> dict[tuple[int, ...], int]:
    """The prompts with the shortest answers, and the length of the longest answer of each.

    Short ones, so that twice the length is soon waited for. A prompt counts where most of its
    answers end in EOS: the pieces of a text that was cut teach nothing about stopping.
    """
    answers: dict[tuple[int, ...], list[list[int]]] = defaultdict(list)
    for example in examples:
        answers[tuple(example.prompt)].append(example.answer)
    longest = {
        prompt: max(map(len, given))
        for prompt, given in answers.items()
        if 2 * sum(answer[-1] == eos_id for answer in given) > len(given)
    }
    chosen = sorted(longest, key=lambda prompt: (longest[prompt], prompt))[:PROMPTS]
    return {prompt: longest[prompt] for prompt in chosen}


@torch.no_grad()
def count_stops(model: Any, tokenizer: Any, examples: Sequence[Example]) -> Stops:
    """Answer the prompts in one batch, greedily, up to twice the longest answer they had.

    An answer stops where the model's own generation config says so; reaching the limit does not
    count.
    """
    prompts = shortest_prompts(examples, tokenizer.eos_token_id)
    if not prompts:
        return Stops(prompts=0, stopped=0, limit=0)
    limit = min(2 * max(prompts.values()), _LONGEST)
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), tokenizer.pad_token_id)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):  # padded on the left: all answers start together
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    given = model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=limit, do_sample=False
    )
    stops = torch.tensor(model.generation_config.eos_token_id).reshape(-1)
    stopped = torch.isin(given[:, width:], stops).any(dim=1)
    return Stops(prompts=len(prompts), stopped=int(stopped.sum()), limit=limit)
