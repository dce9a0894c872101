"""Texts as sets of integers: each run of n words or characters gets a number of its own.

The numbers are exact (equal runs, equal numbers; no hashing, so no collisions), and lie in a few
flat arrays, which keeps 100,000 posts within some hundred megabytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
_LARGEST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Sets:
    """Many sets of integers, one after another, each in ascending order."""

    starts: Integers
    """[sets + 1]: set i is `items[starts[i]:starts[i + 1]]`."""
    items: Integers
    """[sum of sizes]: the members; numbered so that the rarest come first."""

    @property
    def sizes(self) -> Integers:
        """[sets]: members of each."""
        return np.diff(self.starts)

    @property
    def rows(self) -> Integers:
        """[sum of sizes]: the set that each item belongs to."""
        return np.repeat(np.arange(len(self.starts) - 1), self.sizes)


def word_shingles(tokens: Sequence[Sequence[str]], length: int) -> Sets:
    """The runs of `length` tokens of each text; a shorter text is one run, an empty one none."""
    numbers: dict[str, int] = {}
    flat = (numbers.setdefault(token, len(numbers) + 1) for text in tokens for token in text)
    return _sets(np.fromiter(flat, np.int64), _lengths(tokens), length)


def character_shingles(texts: Sequence[str], length: int) -> Sets:
    """The runs of `length` characters of each text; a shorter text is one run."""
    points = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.int64)
    return _sets(points + 1, _lengths(texts), length)


def _lengths(texts: Iterable[Sequence[object]]) -> Integers:
    return np.fromiter((len(text) for text in texts), np.int64)


def _sets(tokens: Integers, lengths: Integers, length: int) -> Sets:
    """Number the runs, and give each text the set of its runs' numbers.

    Args:
        tokens: the tokens of all texts, one after another, as numbers from 1.
        lengths: tokens of each text.
        length: tokens of a run.
    """
    count = np.where(lengths > 0, np.maximum(lengths - length + 1, 1), 0)
    rows = np.repeat(np.arange(len(lengths)), count)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    place = np.repeat(np.cumsum(lengths) - lengths, count) + nth
    left = np.repeat(lengths, count) - nth  # tokens from here to the end of the text
    runs, bound, base = np.zeros(len(rows), np.int64), 1, int(tokens.max(initial=0)) + 1
    for offset in range(length):
        token = np.where(left > offset, tokens[np.minimum(place + offset, len(tokens) - 1)], 0)
        if bound > _LARGEST // base:
            runs = np.unique(runs, return_inverse=True)[1]
            bound = len(runs) + 1
        runs, bound = runs * base + token, bound * base
    runs = np.unique(runs, return_inverse=True)[1]
    kinds = int(runs.max(initial=0)) + 1
    rows, runs = np.divmod(distinct(rows * kinds + runs), kinds)  # a run counts once in a text
    sizes = np.bincount(rows, minlength=len(lengths))
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Sets(starts, _rarest_first(rows, runs, kinds))


def _rarest_first(rows: Integers, runs: Integers, kinds: int) -> Integers:
    """Number the runs by how many texts hold them, and sort each text's."""
    rank = np.empty(kinds, np.int64)
    rank[np.argsort(np.bincount(runs, minlength=kinds), kind="stable")] = np.arange(kinds)
    ranked: Integers = np.sort(rows * kinds + rank[runs]) % kinds
    return ranked


def distinct(values: Integers) -> Integers:
    """The values in ascending order, each once (`np.unique` hashes, which is slower here)."""
    ordered = np.sort(values)
    kept: Integers = ordered[np.diff(ordered, prepend=-1) != 0]
    return kept
