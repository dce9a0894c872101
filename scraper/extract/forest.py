"""The learned judgement of blocks: gradient-boosted trees, read from a file of plain arrays."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scraper.extract.text_features import Rows

FOREST = Path(__file__).parent / "forest.npz"
_Ints = npt.NDArray[np.int32]


class Forest(NamedTuple):
    """t trees of at most n nodes each; a leaf's children are the leaf itself.

    See `scraper.extract.learn`, which makes it.
    """

    column: _Ints
    """t × n. Column of the features that a node compares."""
    threshold: npt.NDArray[np.float32]
    """t × n. A value below it goes left."""
    left: _Ints
    right: _Ints
    value: npt.NDArray[np.float32]
    """t × n. What a leaf adds to the log-odds."""
    base: float
    """Log-odds before any tree."""
    depth: int
    columns: int
    """Features it was trained on."""


@cache
def forest() -> Forest:
    """The forest that comes with the package."""
    with np.load(FOREST) as stored:
        fields = {name: stored[name] for name in stored.files}
    scalars = {name: fields.pop(name).item() for name in ("base", "depth", "columns")}
    return Forest(**fields, **scalars)


def probabilities(trees: Forest, rows: Rows) -> npt.NDArray[np.float64]:
    """The probability of each block to be main text.

    Args:
        trees: the forest.
        rows: b × c features, c as many as the forest was trained on.

    Returns:
        b probabilities.
    """
    count, most = trees.column.shape
    start = (np.arange(count) * most).astype(np.int32)[None]
    column, threshold = trees.column.ravel(), trees.threshold.ravel()
    left, right = trees.left.ravel(), trees.right.ravel()
    flat, row = rows.ravel(), (np.arange(len(rows)) * rows.shape[1])[:, None]
    at = np.repeat(start, len(rows), axis=0)
    for _ in range(trees.depth):
        below = flat.take(row + column.take(at)) < threshold.take(at)
        at = start + np.where(below, left.take(at), right.take(at))
    odds = trees.base + trees.value.ravel().take(at).sum(axis=1, dtype=np.float64)
    chances: npt.NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return chances
