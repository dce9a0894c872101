"""Is one model better than another on the same texts, by how much, and could chance do that?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from eval.scores import METRICS, Metric, Rows
from eval.statistics.resampling import (
    RESAMPLES,
    Weights,
    bootstrap_weights,
    by_unit,
    swap_weights,
    units_of,
)

CONFIDENCE = 0.95
POWER = 0.8

_SEES = float(norm.ppf(0.5 + CONFIDENCE / 2) + norm.ppf(POWER))
"""Standard errors that a true difference must measure to be found with that power: 2.8."""


@dataclass(frozen=True)
class Interval:
    """A score and its 95% bootstrap interval (percentiles)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Of one metric, model B less model A on the same texts."""

    a: float
    b: float
    value: float
    """b - a, in the metric's own unit. Whether more is better, the metric says."""
    low: float
    high: float
    """95% interval of `value`, from the paired bootstrap."""
    p_bootstrap: float
    """Two-sided: how often resamples shifted to no difference are at least this far from it."""
    p_randomisation: float
    """Two-sided: how often the two models' texts, swapped at random, differ at least this much."""
    visible: float
    """The smallest true difference that a sample like this finds four times in five."""
    units: int
    """Independent units: source documents."""

    @property
    def is_seen(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


class Comparison:
    """Resamples of one set of texts, drawn once and used for every metric and model."""

    def __init__(self, groups: Sequence[str], seed: int, resamples: int = RESAMPLES):
        """`groups` names the source document of each text; whole documents are resampled."""
        self._units = units_of(groups)
        self.units = int(self._units.max()) + 1 if len(self._units) else 0
        self._bootstrap = bootstrap_weights(self.units, resamples, seed)
        self._swaps = swap_weights(self.units, resamples, seed + 1)

    def interval(self, metric: Metric, rows: Rows) -> Interval:
        """One model's score."""
        summed = by_unit(rows, self._units)
        low, high = _percentiles(_scores(metric, self._bootstrap, summed))
        return Interval(metric.score(rows), low, high)

    def difference(self, metric: Metric, a: Rows, b: Rows) -> Difference:
        """Model B less model A."""
        one, other = by_unit(a, self._units), by_unit(b, self._units)
        score_a, score_b = metric.score(a), metric.score(b)
        value = score_b - score_a
        resampled = _scores(metric, self._bootstrap, other) - _scores(metric, self._bootstrap, one)
        stay = 1 - self._swaps
        swapped = _values(metric, stay @ other + self._swaps @ one) - _values(
            metric, stay @ one + self._swaps @ other
        )
        low, high = _percentiles(resampled)
        return Difference(
            a=score_a,
            b=score_b,
            value=value,
            low=low,
            high=high,
            p_bootstrap=_p(resampled - resampled.mean(), value),
            p_randomisation=_p(swapped, value),
            visible=_SEES * float(resampled.std(ddof=1)),
            units=self.units,
        )

    def differences(self, a: Mapping[str, Rows], b: Mapping[str, Rows]) -> dict[str, Difference]:
        """Every metric that both have, by name."""
        return {
            name: self.difference(METRICS[name], rows, b[name])
            for name, rows in a.items()
            if name in b
        }


def _scores(metric: Metric, weights: Weights, summed: Rows) -> NDArray[np.float64]:
    return _values(metric, weights @ summed)


def _values(metric: Metric, sums: Rows) -> NDArray[np.float64]:
    return np.array([metric.value(row) for row in sums.tolist()])


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    outside = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [outside, 100 - outside])
    return float(low), float(high)


def _p(under_no_difference: NDArray[np.float64], found: float) -> float:
    """Share at least as far from 0 as what was found, which itself counts (Davison & Hinkley)."""
    # Sums of the same numbers in another order differ in the last digit; that is no difference.
    reach = abs(found) * (1 - 1e-9)
    beyond = int(np.count_nonzero(np.abs(under_no_difference) >= reach))
    return (beyond + 1) / (len(under_no_difference) + 1)
