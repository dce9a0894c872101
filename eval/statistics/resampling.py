"""Resamples of texts, as weights: how often each text is in each of them.

The sums of every resample are then one product of matrices, and the same resamples serve all
metrics and all models, which is what makes a comparison paired.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.scores.metric import Rows

Weights = NDArray[np.float64]
"""Shape (resamples, units)."""

RESAMPLES = 1000


def bootstrap_weights(units: int, resamples: int, seed: int) -> Weights:
    """Draw `units` units with replacement, `resamples` times (Efron, 1979)."""
    draws = np.random.default_rng(seed).integers(units, size=(resamples, units))
    flat = draws + np.arange(resamples)[:, None] * units
    counts = np.bincount(flat.ravel(), minlength=resamples * units)
    return counts.reshape(resamples, units).astype(np.float64)


def swap_weights(units: int, resamples: int, seed: int) -> Weights:
    """1 where a unit's two texts change places, 0 where not, by a fair coin each."""
    coins = np.random.default_rng(seed).integers(2, size=(resamples, units))
    return coins.astype(np.float64)


def units_of(groups: Sequence[str]) -> NDArray[np.int64]:
    """The unit that each text belongs to, numbered in the order of their first text."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)


def by_unit(rows: Rows, units: NDArray[np.int64]) -> Rows:
    """The rows of each unit's texts added up; shape (units, columns)."""
    summed = np.zeros((int(units.max()) + 1 if len(units) else 0, rows.shape[1]))
    np.add.at(summed, units, rows)
    return summed
