"""n-grams of many pairs of texts counted at once, as numbers.

Tokens become integers, and an n-gram becomes the integer of its first n-1 tokens paired with that
of its last. A thousand pairs are then a few sorts of flat arrays instead of a hundred thousand
small tuples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Overlap:
    """Counts of n-grams, each array of shape (texts, orders); column n-1 is of order n."""

    matches: Integers
    """n-grams in both, each at most as often as in the one that has fewer of it."""
    hypothesis: Integers
    reference: Integers


def encode(texts: Sequence[Sequence[str]]) -> tuple[Integers, Integers]:
    """Flat token numbers, and the number of the text each token is in; both of shape (tokens,)."""
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(token, len(numbers)) for text in texts for token in text]
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    return np.array(flat, dtype=np.int64), np.repeat(np.arange(len(texts)), lengths)


def of_orders(tokens: Integers, text: Integers, orders: int) -> Iterator[tuple[Integers, Integers]]:
    """For n = 1 … `orders`: the number of each n-gram, and the text it is in.

    n-grams never run from one text into the next. Equal numbers are equal n-grams, within an order.
    """
    # No text has this number, so nothing runs past the end of the last one.
    beyond = np.append(text, np.full(orders, -1))
    starts, grams = np.arange(len(tokens)), tokens
    yield grams, text
    for last in range(1, orders):
        fits = beyond[starts + last] == text[starts]
        starts = starts[fits]
        grams = renumber(grams[fits], tokens[starts + last])
        yield grams, text[starts]


def overlap(
    hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]], orders: int
) -> Overlap:
    """Count what each hypothesis shares with its own reference, for n-grams of 1 to `orders`."""
    pairs = len(hypotheses)
    tokens, text = encode([*hypotheses, *references])
    counts = [_count(grams, inside, pairs) for grams, inside in of_orders(tokens, text, orders)]
    matches, mine, theirs = (np.stack(columns, axis=1) for columns in zip(*counts, strict=True))
    return Overlap(matches, mine, theirs)


def _count(grams: Integers, inside: Integers, pairs: int) -> tuple[Integers, Integers, Integers]:
    """Matches, hypothesis and reference n-grams of one order, each of shape (pairs,)."""
    is_reference = inside >= pairs
    pair = np.where(is_reference, inside - pairs, inside)
    # One number for an n-gram in a pair, so that one sort counts them all.
    size = int(grams.max()) + 1 if len(grams) else 1
    keys, place = np.unique(pair * size + grams, return_inverse=True)
    mine = np.bincount(place[~is_reference], minlength=len(keys))
    theirs = np.bincount(place[is_reference], minlength=len(keys))
    shared = np.bincount(keys // size, weights=np.minimum(mine, theirs), minlength=pairs)
    return (
        shared.astype(np.int64),
        np.bincount(pair[~is_reference], minlength=pairs),
        np.bincount(pair[is_reference], minlength=pairs),
    )


def renumber(shorter: Integers, last: Integers) -> Integers:
    """A number for each pair of numbers, below the number of different pairs."""
    size = int(last.max()) + 1 if len(last) else 1
    numbers: Integers = np.unique(shorter * size + last, return_inverse=True)[1]
    return numbers
