import random

import numpy as np
import pytest
import sacrebleu
from sacrebleu.significance import PairedTest
from scipy.stats import permutation_test, ttest_rel

from eval.scores import METRICS, Rows, overlap_rows, words_and_punctuation
from eval.statistics.compare import Comparison

MEAN = METRICS["rouge1"]
"""Its rows are a value and a 1, so its score is the mean of the values."""


def rows(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Rows:
    return np.stack([values, np.ones_like(values)], axis=1)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_a_model_does_not_differ_from_itself() -> None:
    one = rows(np.random.default_rng(0).normal(size=50))
    found = Comparison(names(50), seed=1).difference(MEAN, one, one)
    assert (found.value, found.low, found.high, found.visible) == (0, 0, 0, 0)
    assert (found.p_bootstrap, found.p_randomisation) == (1, 1)
    assert not found.is_seen


def test_a_clear_difference_is_seen_and_signed() -> None:
    noise = np.random.default_rng(0).normal(size=(2, 80))
    comparison = Comparison(names(80), seed=1)
    found = comparison.difference(MEAN, rows(noise[0]), rows(noise[1] + 2))
    assert found.value == found.b - found.a > 1
    assert found.low < found.value < found.high
    assert found.is_seen
    assert found.p_bootstrap == found.p_randomisation == pytest.approx(1 / 1001)
    back = comparison.difference(MEAN, rows(noise[1] + 2), rows(noise[0]))
    assert (back.value, back.low, back.high) == pytest.approx(
        (-found.value, -found.high, -found.low)
    )


def test_p_values_and_interval_agree_with_scipy() -> None:
    """On means, where theory and scipy's own permutation test say what must come out."""
    chance = np.random.default_rng(4)
    a, b = chance.normal(size=60), chance.normal(size=60) + 0.3
    found = Comparison(names(60), seed=1, resamples=4000).difference(MEAN, rows(a), rows(b))
    theirs = permutation_test(
        (b, a),
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=4000,
        rng=np.random.default_rng(2),
    )
    assert 0.01 < theirs.pvalue < 0.5
    assert found.p_randomisation == pytest.approx(theirs.pvalue, abs=0.03)
    assert found.p_bootstrap == pytest.approx(theirs.pvalue, abs=0.03)
    low, high = ttest_rel(b, a).confidence_interval()
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03)


def test_p_values_agree_with_sacrebleus_on_bleu() -> None:
    chance = random.Random(5)
    words = ["tea", "warm", "rain", "cup", "the", "a", "quay", "."]
    references = [" ".join(chance.choices(words, k=12)) for _ in range(80)]
    one, other = (
        [
            " ".join(w if chance.random() < kept else chance.choice(words) for w in text.split())
            for text in references
        ]
        for kept in (0.66, 0.70)
    )
    tokenized = {
        name: [" ".join(words_and_punctuation(text)) for text in texts]
        for name, texts in (("a", one), ("b", other), ("references", references))
    }
    _, theirs = PairedTest(
        [("a", tokenized["a"]), ("b", tokenized["b"])],
        {"BLEU": sacrebleu.BLEU(tokenize="none", force=True)},
        [tokenized["references"]],
        test_type="ar",
        n_samples=4000,
    )()
    expected = theirs["BLEU"][1]
    found = Comparison(names(80), seed=1, resamples=4000).difference(
        METRICS["bleu_sacrebleu"],
        overlap_rows(one, references)["bleu_sacrebleu"],
        overlap_rows(other, references)["bleu_sacrebleu"],
    )
    assert found.b == pytest.approx(expected.score)
    assert 0.001 < expected.p_value < 0.9
    assert found.p_randomisation == pytest.approx(expected.p_value, abs=0.03)


def simulated(times: int, truth: float) -> list[tuple[bool, bool, float]]:
    """Of each experiment: whether the interval held the truth, whether it left out 0, and p."""
    chance = np.random.default_rng(11)
    found = []
    for seed in range(times):
        a = chance.normal(size=60)
        b = a + chance.normal(size=60) + truth
        one = Comparison(names(60), seed, resamples=300).difference(MEAN, rows(a), rows(b))
        found.append((one.low <= truth <= one.high, one.is_seen, one.p_randomisation))
    return found


@pytest.mark.slow
def test_intervals_hold_the_truth_19_times_in_20() -> None:
    experiments = simulated(400, truth=0.3)
    assert 0.91 <= sum(holds for holds, _, _ in experiments) / 400 <= 0.98


@pytest.mark.slow
def test_without_a_difference_p_is_below_5_percent_one_time_in_20() -> None:
    experiments = simulated(400, truth=0.0)
    assert 0.02 <= sum(p <= 0.05 for _, _, p in experiments) / 400 <= 0.08


@pytest.mark.slow
def test_the_smallest_visible_difference_is_seen_four_times_in_five() -> None:
    visible = 2.8016 / 60**0.5  # the standard deviation of a difference is 1 here
    experiments = simulated(400, truth=visible)
    assert 0.75 <= sum(seen for _, seen, _ in experiments) / 400 <= 0.88
    a = np.random.default_rng(0).normal(size=(2, 60))
    found = Comparison(names(60), seed=1).difference(MEAN, rows(a[0]), rows(a[0] + a[1]))
    assert found.visible == pytest.approx(visible, rel=0.25)


def test_saying_everything_twice_proves_nothing() -> None:
    """Two texts of one document are not two witnesses."""
    a, b = np.random.default_rng(3).normal(size=(2, 40))
    once = Comparison(names(40), seed=1).difference(MEAN, rows(a), rows(b))
    comparison = Comparison(names(40) * 2, seed=1)
    twice = comparison.difference(MEAN, rows(np.tile(a, 2)), rows(np.tile(b, 2)))
    assert twice.units == once.units == 40
    assert (twice.low, twice.high, twice.p_randomisation) == pytest.approx(
        (once.low, once.high, once.p_randomisation)
    )


def test_an_interval_of_one_model() -> None:
    values = np.random.default_rng(3).normal(size=400) + 5
    found = Comparison(names(400), seed=1).interval(MEAN, rows(values))
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)


def test_the_same_seed_gives_the_same_figures() -> None:
    a, b = np.random.default_rng(3).normal(size=(2, 40))
    first, again = (
        Comparison(names(40), seed=5).difference(MEAN, rows(a), rows(b)) for _ in range(2)
    )
    assert first == again
    assert first != Comparison(names(40), seed=6).difference(MEAN, rows(a), rows(b))
