"""The longest run of tokens that each text shares with any of some others, exactly.

All runs grow by one token at a time. Those that only one side has are dropped at each step, so the
work shrinks quickly, and no length has to be chosen beforehand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.scores.ngrams import Integers, encode, renumber


@dataclass(frozen=True)
class Run:
    """Where it starts in the text, how many tokens it has, and which of the others has it first."""

    start: int
    length: int
    other: int | None
    """None where not one token is shared."""


def longest_shared_runs(
    texts: Sequence[Sequence[str]], others: Sequence[Sequence[str]]
) -> list[Run]:
    """One `Run` for each of `texts`; of several equally long ones, the first."""
    tokens, text = encode([*texts, *others])
    first_token = np.searchsorted(text, np.arange(len(texts) + len(others)))
    beyond = np.append(text, -1)
    found = [Run(0, 0, None)] * len(texts)
    starts, grams = np.arange(len(tokens)), tokens
    length = 1
    while True:
        is_other = text[starts] >= len(texts)
        size = int(grams.max(initial=-1)) + 1
        shared = np.bincount(grams[is_other], minlength=size).astype(bool)
        shared &= np.bincount(grams[~is_other], minlength=size).astype(bool)
        kept = shared[grams]
        starts, grams, is_other = starts[kept], grams[kept], is_other[kept]
        if not len(starts):
            return found
        _note(found, length, starts, grams, is_other, text, first_token)
        # A run that ends with its text cannot grow.
        fits = beyond[starts + length] == text[starts]
        starts, grams = starts[fits], grams[fits]
        grams = renumber(grams, tokens[starts + length])
        length += 1


def _note(
    found: list[Run],
    length: int,
    starts: Integers,
    grams: Integers,
    is_other: NDArray[np.bool_],
    text: Integers,
    first_token: Integers,
) -> None:
    """Write down the runs of this length, each text's first one."""
    holders, place = np.unique(grams[is_other], return_index=True)
    holder = dict(zip(holders.tolist(), text[starts[is_other][place]].tolist(), strict=True))
    mine = starts[~is_other]
    owners, place = np.unique(text[mine], return_index=True)
    for owner, at in zip(owners.tolist(), place.tolist(), strict=True):
        other = holder[int(grams[~is_other][at])] - len(found)
        found[owner] = Run(int(mine[at] - first_token[owner]), length, other)
