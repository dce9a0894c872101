"""Continuations of a batch: the likeliest one of the reference's exact length, or one drawn.

Exact length: BLEU's brevity penalty and ROUGE's recall would otherwise measure when a model stops
instead of what it writes, and a model that has learned to stop would lose by it. So the end is
forbidden until the length is reached, and where the model wanted to end is noted: up to there the
two continuations, exact and natural, are the same.
"""

import hashlib
from collections.abc import Iterable, Sequence

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
)

from eval.half_split import Item
from eval.models.model import MOST_LIKELY, PaddingCheck, Sampling, longest_sample

_CHECKED = 4
"""Prompts that are also continued alone."""
_CHECKED_TOKENS = 8
"""Few, since rounding alone may part two greedy continuations after a while."""


def continue_greedily(
    model: PreTrainedModel, batch: Sequence[Item], pad_id: int
) -> list[tuple[list[int], int | None]]:
    """Of each item the ids, as many as `second_ids`, and where the model would have ended them.

    The whole batch goes on to its longest reference and each row is cut to its own: a causal
    model's first n tokens do not depend on how far it goes on.

    Returns:
        Ids of the continuation alone, never of the first half; and the number of tokens before the
        end that the model wanted, None where it wanted none.
    """
    length = max(len(item.second_ids) for item in batch)
    ends = _NoEnd(model.generation_config.eos_token_id, model.device)
    rows = _generate(model, batch, pad_id, length, [ends], eos=None)
    wanted = torch.stack(ends.wanted, dim=1).tolist()  # [B, length]
    found = []
    for item, row, ended in zip(batch, rows, wanted, strict=True):
        count = len(item.second_ids)
        stop = ended.index(True) if True in ended[:count] else None
        found.append((row[:count], stop))
    return found


def draw(
    model: PreTrainedModel, batch: Sequence[Item], pad_id: int, sampling: Sampling
) -> list[tuple[list[int], bool]]:
    """Of each item the ids of a drawn continuation, and whether it ended before the limit."""
    limits = [longest_sample(item) for item in batch]
    ends = _end_ids(model.generation_config.eos_token_id)
    rows = _generate(model, batch, pad_id, max(limits), [_Chance(batch, sampling)], eos=ends)
    found = []
    for row, limit in zip(rows, limits, strict=True):
        stop = next((place for place, id_ in enumerate(row[:limit]) if id_ in ends), None)
        found.append((row[:limit] if stop is None else row[:stop], stop is not None))
    return found


def padding_checks(
    model: PreTrainedModel, items: Sequence[Item], pad_id: int
) -> list[PaddingCheck]:
    """The longest prompt and the shortest ones continued in one batch, and each alone."""
    by_length = sorted(items, key=lambda item: len(item.context_ids))
    batch = [by_length[-1], *by_length[:-1][:_CHECKED]]
    width = len(batch[0].context_ids)

    def first_tokens(some: Sequence[Item]) -> list[list[int]]:
        no_end = _NoEnd(model.generation_config.eos_token_id, model.device)
        return _generate(model, some, pad_id, _CHECKED_TOKENS, [no_end], eos=None)

    return [
        PaddingCheck(
            padding=width - len(item.context_ids),
            in_batch=together,
            alone=first_tokens([item])[0],
        )
        for item, together in zip(batch, first_tokens(batch), strict=True)
    ]


@torch.inference_mode()
def _generate(
    model: PreTrainedModel,
    batch: Sequence[Item],
    pad_id: int,
    length: int,
    processors: Iterable[LogitsProcessor],
    eos: Sequence[int] | None,
) -> list[list[int]]:
    """Always the highest logit, after the processors: ids [B, T] -> new ids [B, at most length]."""
    ids, mask = _padded([item.context_ids for item in batch], pad_id)
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False,
        num_beams=1,
        max_new_tokens=length,
        eos_token_id=list(eos) if eos else None,
        pad_token_id=pad_id,
    )
    output = model.generate(  # type: ignore[operator]
        inputs=ids.to(model.device),
        attention_mask=mask.to(model.device),
        generation_config=config,
        logits_processor=LogitsProcessorList(processors),
    )
    rows: list[list[int]] = output[:, ids.shape[1] :].tolist()
    return rows


def _padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, [B, longest]; padded on the left, so that each row goes on from its own end."""
    width = max(map(len, rows))
    ids = [[pad_id] * (width - len(row)) + list(row) for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def _end_ids(named: int | list[int] | None) -> list[int]:
    return [] if named is None else named if isinstance(named, list) else [named]


class _NoEnd(LogitsProcessor):
    """Forbids the tokens that end an answer, and notes at each step which rows wanted one."""

    def __init__(self, ends: int | list[int] | None, device: torch.device) -> None:
        self._ends = torch.tensor(_end_ids(ends), dtype=torch.long, device=device)
        self.wanted: list[torch.Tensor] = []
        """[B] of bool for each step."""

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        self.wanted.append(torch.isin(scores.argmax(dim=-1), self._ends))
        return scores.index_fill(-1, self._ends, -torch.inf)  # type: ignore[return-value]


class _Chance(LogitsProcessor):
    """Gumbel noise on the logits: the highest of the sums is a draw from their softmax.

    Each row has a generator of its own, seeded by the seed and the item, so that what is drawn for
    a text does not depend on the texts beside it (Gumbel, 1954; Maddison et al., 2014). Only the
    likeliest tokens that together make `top_p` can be drawn (Holtzman et al., 2020), and of these
    at most `MOST_LIKELY`: sorting a whole vocabulary costs more than a small model's forward pass.
    """

    def __init__(self, batch: Sequence[Item], sampling: Sampling) -> None:
        seeds = (_seed_of(item, sampling.seed) for item in batch)
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._sampling = sampling

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        logs = (scores.float() / self._sampling.temperature).log_softmax(dim=-1)
        likeliest, tokens = logs.topk(min(MOST_LIKELY, logs.shape[-1]), dim=-1)  # [B, candidates]
        before = likeliest.exp().cumsum(dim=-1) - likeliest.exp()
        likeliest = likeliest.masked_fill(before >= self._sampling.top_p, -torch.inf)
        # Noise belongs to tokens, not to their ranks, which rounding may change.
        noise = torch.empty(scores.shape, dtype=torch.float32)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        summed = likeliest - noise.to(scores.device).gather(-1, tokens).log()
        drawn = torch.full_like(logs, -torch.inf)
        return drawn.scatter_(-1, tokens, summed)  # type: ignore[return-value]


def _seed_of(item: Item, seed: int) -> int:
    digest = hashlib.sha256(f"{seed} {item.id} {item.context_ids}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
