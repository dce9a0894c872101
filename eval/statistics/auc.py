"""The area under the ROC curve: how often a real text scores above a made one. 0.5 is chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.statistics.resampling import RESAMPLES, bootstrap_weights, units_of


@dataclass(frozen=True)
class Auc:
    """The area with its 95% bootstrap interval over source documents."""

    value: float
    low: float
    high: float
    units: int

    @property
    def is_chance(self) -> bool:
        """Whether the interval holds 0.5: the two kinds of text cannot be told apart here."""
        return self.low <= 0.5 <= self.high


def auc(
    real: Sequence[float],
    made: Sequence[float],
    groups: Sequence[str],
    folds: Sequence[int] | None = None,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Auc:
    """Text i of each kind belongs to source document `groups[i]`; documents are resampled whole.

    With `folds`, only texts scored by the same classifier are compared: the scores of two
    classifiers have no common scale.
    """
    higher = np.sign(np.subtract.outer(np.asarray(real), np.asarray(made))) / 2 + 0.5
    compared = np.ones_like(higher)
    if folds is not None:
        compared = np.equal.outer(np.asarray(folds), np.asarray(folds)).astype(np.float64)
    units = units_of(groups)
    count = int(units.max()) + 1

    def area(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of resamples of documents, shape (resamples, units)."""
        each = weights[:, units]
        wins: NDArray[np.float64] = ((each @ (higher * compared)) * each).sum(axis=1)
        pairs: NDArray[np.float64] = ((each @ compared) * each).sum(axis=1)
        return wins / pairs

    low, high = np.percentile(area(bootstrap_weights(count, resamples, seed)), [2.5, 97.5])
    return Auc(float(area(np.ones((1, count)))[0]), float(low), float(high), count)
