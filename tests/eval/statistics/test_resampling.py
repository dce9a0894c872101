import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu

from eval.scores import METRICS, overlap_rows, words_and_punctuation
from eval.statistics.resampling import bootstrap_weights, by_unit, swap_weights, units_of

VOCABULARY = ["tea", "warm", "rain", "cup", "the", "a", "harbour"]


@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 5))
def test_each_resample_has_as_many_units_as_there_are(units: int, times: int, seed: int) -> None:
    weights = bootstrap_weights(units, times, seed)
    assert weights.shape == (times, units)
    assert (weights.sum(axis=1) == units).all()
    assert (weights == bootstrap_weights(units, times, seed)).all()
    swaps = swap_weights(units, times, seed)
    assert set(np.unique(swaps)) <= {0.0, 1.0}


def test_bleu_of_a_resample_is_nltks_of_the_resampled_texts() -> None:
    """What the sums stand for: computed anew from the texts, the score is the same."""
    chance = random.Random(1)
    texts = [" ".join(chance.choices(VOCABULARY, k=chance.randint(2, 12))) for _ in range(60)]
    hypotheses, references = texts[:30], texts[30:]
    rows = overlap_rows(hypotheses, references)["bleu"]
    tokens = [words_and_punctuation(text) for text in texts]
    for weights in bootstrap_weights(30, 20, seed=3):
        chosen = [i for i, count in enumerate(weights) for _ in range(int(count))]
        expected = corpus_bleu(
            [[tokens[30 + i]] for i in chosen],
            [tokens[i] for i in chosen],
            smoothing_function=SmoothingFunction().method3,
        )
        assert METRICS["bleu"].value((weights @ rows).tolist()) == 100.0 * expected


def test_texts_of_one_document_are_one_unit() -> None:
    units = units_of(["b", "a", "b", "c"])
    assert units.tolist() == [0, 1, 0, 2]
    rows = np.array([[1.0, 10], [2, 20], [3, 30], [4, 40]])
    assert by_unit(rows, units).tolist() == [[4, 40], [2, 20], [4, 40]]


def test_no_texts_have_no_units() -> None:
    assert by_unit(np.zeros((0, 2)), units_of([])).shape == (0, 2)
