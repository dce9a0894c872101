"""What a metric is here: a row of numbers for each text, and a score from the sum of the rows.

Everything that is counted is counted once for each text. The score of a corpus, of a resample of it
or of one text alone is then a function of a sum, and a thousand resamples cost a thousand sums.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
"""Shape (texts, columns): what one metric counted in each text."""


@dataclass(frozen=True)
class Metric:
    """One score."""

    name: str
    columns: tuple[str, ...]
    """What a row holds."""
    value: Callable[[Sequence[float]], float]
    """From the sums of the columns to the score."""
    how: str
    """Its part of the signature: tokenizer, case, smoothing, and so on."""
    libraries: tuple[str, ...] = ()
    """Packages whose versions its value depends on."""
    lower_is_better: bool = False

    def score(self, rows: Rows) -> float:
        """The score of all texts of `rows` together."""
        return self.value(rows.sum(axis=0).tolist())

    def scores(self, rows: Rows) -> list[float]:
        """The score of each text by itself."""
        return [self.value(row) for row in rows.tolist()]


def mean(sums: Sequence[float]) -> float:
    """The first column's mean over what the second one counts; 0 where that is nothing."""
    total, count = sums
    return total / count if count else 0.0
