"""Do people who rate the same texts agree, beyond chance? Krippendorff's alpha, by krippendorff."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import krippendorff
import numpy as np
from numpy.typing import NDArray

from eval.statistics.resampling import RESAMPLES

Level = Literal["nominal", "ordinal", "interval", "ratio"]

USABLE = 0.667
"""Below this, Krippendorff (2004) draws no conclusions, not even tentative ones."""


@dataclass(frozen=True)
class Agreement:
    """Alpha: 1 is full agreement, 0 what chance would give, below 0 systematic disagreement."""

    alpha: float | None
    """None where it is not defined: nothing rated twice, or everybody always said the same."""
    low: float | None
    high: float | None
    """95% interval, from resampled texts."""
    raters: int
    texts: int
    """Texts that at least two people rated."""

    @property
    def is_usable(self) -> bool:
        """Whether conclusions may be drawn from these ratings."""
        return self.alpha is not None and self.alpha >= USABLE


def agreement(
    ratings: Sequence[Sequence[float | None]],
    level: Level,
    seed: int,
    resamples: int = RESAMPLES,
) -> Agreement:
    """Agreement of raters; `ratings` has a row for each rater, None where a text was not rated."""
    table = np.array(
        [[np.nan if value is None else value for value in row] for row in ratings], dtype=float
    )
    if table.ndim != 2 or table.size == 0:
        return Agreement(None, None, None, len(ratings), 0)
    table = table[:, (~np.isnan(table)).sum(axis=0) >= 2]
    texts = table.shape[1]
    alpha = _alpha(table, level)
    if alpha is None:
        return Agreement(None, None, None, len(ratings), texts)
    draws = np.random.default_rng(seed).integers(texts, size=(resamples, texts))
    found = [value for draw in draws if (value := _alpha(table[:, draw], level)) is not None]
    low, high = np.percentile(found, [2.5, 97.5])
    return Agreement(alpha, float(low), float(high), len(ratings), texts)


def _alpha(table: NDArray[np.float64], level: Level) -> float | None:
    if len(np.unique(table[~np.isnan(table)])) < 2:
        return None  # Nobody ever said anything else, so there is no chance to agree beyond.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))
