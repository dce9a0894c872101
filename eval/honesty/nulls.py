"""Rows that any model must beat before its figures mean anything."""

import random
from collections.abc import Sequence

from eval.texts import Text


def null_rows(
    first_halves: Sequence[str], train: Sequence[Text], seed: int
) -> dict[str, list[str]]:
    """What stands in for the continuation in each null row.

    `echo` says the first half again, `another` is the second half of another text of the brand
    (`train` holds the second halves of training texts; without any, the row is left out), and
    `empty` says nothing.
    """
    rows = {"echo": list(first_halves), "empty": [""] * len(first_halves)}
    if train:
        chosen = random.Random(seed).choices(train, k=len(first_halves))
        rows["another"] = [text.text for text in chosen]
    return rows
