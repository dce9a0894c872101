import random

import krippendorff
import numpy as np
import pytest

from eval.statistics.agreement import Agreement, Level, agreement

_ = None
WIKIPEDIA = [
    [_, _, _, _, _, 3, 4, 1, 2, 1, 1, 3, 3, _, 3],
    [1, _, 2, 1, 3, 3, 4, 3, _, _, _, _, _, _, _],
    [_, _, 2, 1, 3, 4, 4, _, 2, 1, 1, 3, 3, _, 4],
]
"""The example of https://en.wikipedia.org/wiki/Krippendorff%27s_alpha."""


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.691), ("interval", 0.811)])
def test_the_textbook_example(level: Level, alpha: float) -> None:
    found = agreement(WIKIPEDIA, level, seed=1)
    assert found.alpha == pytest.approx(alpha, abs=5e-4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < alpha < found.high <= 1
    assert (found.raters, found.texts) == (3, 12)
    assert found.is_usable


def test_alpha_is_the_librarys() -> None:
    chance = random.Random(2)
    ratings = [[chance.choice([1, 2, 3, 4, 5, None]) for _ in range(40)] for _ in range(4)]
    theirs = np.array([[np.nan if v is None else v for v in row] for row in ratings], dtype=float)
    expected = krippendorff.alpha(reliability_data=theirs, level_of_measurement="ordinal")
    found = agreement(ratings, "ordinal", seed=1, resamples=100)
    assert found.alpha == pytest.approx(expected)
    assert found.alpha is not None
    assert abs(found.alpha) < 0.25
    assert not found.is_usable


@pytest.mark.parametrize(
    "ratings",
    [
        [],
        [[]],
        [[1, None], [None, 2]],  # no text was rated by two
        [[3, 3, 3], [3, 3, 3]],  # nobody ever said anything else
        [[1, 2, 3]],
    ],
)
def test_where_alpha_is_not_defined(ratings: list[list[float | None]]) -> None:
    found = agreement(ratings, "nominal", seed=1)
    assert (found.alpha, found.low, found.high) == (None, None, None)
    assert not found.is_usable


def test_raters_who_agree_fully() -> None:
    row: list[float | None] = [1, 2, 1, 2, 3]
    assert agreement([row, row], "nominal", seed=1) == Agreement(1.0, 1.0, 1.0, 2, 5)
