"""Has the model learned to stop? Two measures, on prompts it was trained with.

Its greedy answers are asked to end. But a greedy answer may also fall into a loop and go on, as
those of small or briefly tuned models do, although EOS was learned. So the model is asked as well
for what it would say next, greedily, once a training answer is said: EOS, if it has learned it.

Where the texts are long all answers to a prompt but the last may be pieces without EOS. Such a
prompt does not say how long an answer should be; of those texts the last pieces are asked for.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch

from finetune.examples import Example
from finetune.verification import Stops

PROMPTS = 10
_LONGEST = 256
"""Tokens an answer may take at most, whatever the training answers took: time is limited."""

_ANSWERS = 16
"""Training answers after which EOS is looked for, at most."""


def measure_stops(merged: Any, base: Any, tokenizer: Any, examples: Sequence[Example]) -> Stops:
    """Ask the merged model for answers, and both models for what follows the training answers.

    An answer stops where the model's own generation config says so; reaching the limit does not
    count. All figures are 0 where no training answer ends in EOS.
    """
    eos = tokenizer.eos_token_id
    prompts = shortest_prompts(examples, eos)
    ending = [example for example in examples if example.answer[-1] == eos]
    if not ending:
        return Stops(prompts=0, stopped=0, limit=0, end_loss=0, base_end_loss=0)
    limit = min(2 * max(prompts.values(), default=0), _LONGEST)
    answered = [e for e in ending if tuple(e.prompt) in prompts] or ending
    answered = answered[:_ANSWERS]
    ended, end_loss = _ends(merged, answered)
    return Stops(
        prompts=len(prompts),
        stopped=_count_stopped(merged, tokenizer.pad_token_id, list(prompts), limit),
        limit=limit,
        answers=len(answered),
        ended=ended,
        end_loss=end_loss,
        base_end_loss=_ends(base, answered)[1],
    )


def shortest_prompts(examples: Sequence[Example], eos: int) -> dict[tuple[int, ...], int]:
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
        if 2 * sum(answer[-1] == eos for answer in given) > len(given)
    }
    chosen = sorted(longest, key=lambda prompt: (longest[prompt], prompt))[:PROMPTS]
    return {prompt: longest[prompt] for prompt in chosen}


@torch.no_grad()
def _count_stopped(model: Any, pad: int, prompts: list[tuple[int, ...]], limit: int) -> int:
    """How many prompts are answered to the end; all in one batch, greedily."""
    if not prompts:
        return 0
    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), pad)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):  # padded on the left: all answers start together
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    given = model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=limit, do_sample=False
    )
    stops = torch.tensor(model.generation_config.eos_token_id).reshape(-1)
    return int(torch.isin(given[:, width:], stops).any(dim=1).sum())


@torch.no_grad()
def _ends(model: Any, examples: Sequence[Example]) -> tuple[int, float]:
    """After how many answers EOS is the likeliest token, and its mean -log p there, in nats."""
    ended, losses = 0, []
    for example in examples:
        ids = torch.tensor([example.prompt + example.answer])
        logits = model(input_ids=ids, logits_to_keep=2).logits[0, 0].float()
        ended += int(logits.argmax()) == example.answer[-1]
        losses.append(-float(logits.log_softmax(0)[example.answer[-1]]))
    return ended, sum(losses) / len(losses)
