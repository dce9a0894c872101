import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from eval.statistics.auc import auc

Scores = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=20)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@given(st.data())
def test_the_area_is_scikit_learns(data: st.DataObject) -> None:
    real = data.draw(Scores)
    made = data.draw(st.lists(st.integers(-3, 3), min_size=len(real), max_size=len(real)))
    found = auc(real, made, names(len(real)), seed=1, resamples=20)
    expected = roc_auc_score([1] * len(real) + [0] * len(made), [*real, *made])
    assert found.value == pytest.approx(expected)
    assert 0 <= found.low <= found.high <= 1


def test_only_scores_of_one_classifier_are_compared() -> None:
    """Each fold tells its texts apart fully, but its scale lies elsewhere."""
    real, made = [1.0, 1.1, 101.0, 101.1], [0.0, 0.1, 100.0, 100.1]
    assert auc(real, made, names(4), [0, 0, 1, 1], seed=1).value == 1.0
    assert auc(real, made, names(4), seed=1).value == 0.75


def test_chance_is_called_chance_and_a_difference_a_difference() -> None:
    a, b = np.random.default_rng(3).normal(size=(2, 100))
    assert auc(a.tolist(), b.tolist(), names(100), seed=1).is_chance
    apart = auc((a + 1).tolist(), b.tolist(), names(100), seed=1)
    assert not apart.is_chance
    assert apart.low < 0.76 < apart.high  # of two normals one standard deviation apart


def test_texts_of_one_document_are_one_witness() -> None:
    a, b = np.random.default_rng(3).normal(size=(2, 40))
    once = auc(a.tolist(), b.tolist(), names(40), seed=1)
    twice = auc(np.tile(a, 2).tolist(), np.tile(b, 2).tolist(), names(40) * 2, seed=1)
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high))
    assert twice.units == 40
