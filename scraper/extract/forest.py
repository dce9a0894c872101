"""The learned judgement of blocks: gradient-boosted trees, read from a file of plain arrays.

The trees are small, so all their comparisons are made at once: of a tree's leaves a comparison that
goes right rules out those on its left, and the first leaf that nothing rules out is reached
(Lucchese et al., QuickScorer, SIGIR 2015).
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scraper.extract.text_features import Rows

FOREST = Path(__file__).parent / "forest.npz"
LEAVES = 8
"""Leaves of a tree at most: a byte has a bit for each."""
_AT_ONCE = 256
"""Blocks; more at once would take much memory."""
_FIRST_BIT = np.array([(bits & -bits).bit_length() - 1 for bits in range(256)], dtype=np.int64)
"""Position of the lowest bit of a byte."""


class Forest(NamedTuple):
    """t trees of at most 8 leaves and 7 splits each, which share c different comparisons.

    See `scraper.extract.learn`, which makes it.
    """

    column: npt.NDArray[np.int32]
    """c. Column of the features that is compared."""
    threshold: npt.NDArray[np.float32]
    """c. A value below it goes left."""
    split: npt.NDArray[np.int32]
    """t × 7. Position of each split's comparison."""
    mask: npt.NDArray[np.uint8]
    """t × 7. The leaves, a bit each from the left, that a split going right leaves over."""
    value: npt.NDArray[np.float32]
    """t × 8. What a leaf adds to the log-odds."""
    base: float
    """Log-odds before any tree."""
    columns: int
    """Features it was trained on."""


@cache
def forest() -> Forest:
    """The forest that comes with the package."""
    with np.load(FOREST) as stored:
        fields = {name: stored[name] for name in stored.files}
    scalars = {name: fields.pop(name).item() for name in ("base", "columns")}
    return Forest(**fields, **scalars)


def probabilities(trees: Forest, rows: Rows) -> npt.NDArray[np.float64]:
    """The probability of each block to be main text.

    Args:
        trees: the forest.
        rows: b × c features, c as many as the forest was trained on.

    Returns:
        b probabilities.

    Raises:
        ValueError: the rows have other columns than the forest was trained on.
    """
    if rows.shape[1] != trees.columns:
        raise ValueError(
            f"the forest was trained on {trees.columns} features, these rows have {rows.shape[1]}; "
            "learn it again with python -m scraper.extract.learn"
        )
    parts = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]
    odds = np.concatenate([_odds(trees, part) for part in parts])
    chances: npt.NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return chances


def _odds(trees: Forest, rows: Rows) -> npt.NDArray[np.float64]:
    compared = np.ascontiguousarray(rows.T)[trees.column]
    goes_left = (compared < trees.threshold[:, None]).view(np.uint8)
    all_or_none = np.negative(goes_left)  # 255, all bits, where it goes left and rules nothing out
    reached = np.full((len(trees.split), len(rows)), 255, dtype=np.uint8)
    for split, mask in zip(trees.split.T, trees.mask.T, strict=True):
        reached &= all_or_none[split] | mask[:, None]
    leaf = _FIRST_BIT.take(reached) + np.arange(0, trees.value.size, LEAVES)[:, None]
    added = trees.value.ravel().take(leaf)
    odds: npt.NDArray[np.float64] = trees.base + added.sum(axis=0, dtype=np.float64)
    return odds
