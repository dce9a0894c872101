import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu
from rouge_score.rouge_scorer import RougeScorer

from eval.scores import Rouge, bleu, distinct_2, mean_rouge, rouge

VOCABULARY = ["tea", "warm", "rain", "Karachi", "cup", "the", "a", "42", "chai-time", "don't"]

URDU = "ہر گھونٹ میں اُردو کی مٹھاس ہے اور چائے کا مزا بھی"
EMOJI = "☕ 🍪 🌧️ 👨‍👩‍👧 🇵🇰 👍🏽"
MIXED = "Chai ho jaye? ☕ بارش اور چائے 我爱茶 हिन्दी में चाय"


def sentences(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(VOCABULARY, k=chance.randint(1, 30))) for _ in range(count)]


def test_rouge_is_rouge_scores_own_on_ascii() -> None:
    theirs = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for reference, hypothesis in zip(sentences(300, 1), sentences(300, 2), strict=True):
        expected = theirs.score(reference, hypothesis)
        assert rouge(reference, hypothesis) == Rouge(
            *(expected[kind].fmeasure for kind in ("rouge1", "rouge2", "rougeL"))
        )


def test_bleu_is_nltks_own() -> None:
    references = [text.replace("-", " ").replace("'", " ") for text in sentences(300, 3)]
    hypotheses = [text.replace("-", " ").replace("'", " ") for text in sentences(300, 4)]
    expected = corpus_bleu(
        [[text.split()] for text in references],
        [text.split() for text in hypotheses],
        smoothing_function=SmoothingFunction().method3,
    )
    assert bleu(references, hypotheses) == 100 * expected
    assert 0 < bleu(references, hypotheses) < 100


@pytest.mark.parametrize("text", [URDU, EMOJI, MIXED, "Warm rain and warmer cups."])
def test_identical_texts_score_full_marks_in_every_script(text: str) -> None:
    assert rouge(text, text) == Rouge(1.0, 1.0, 1.0)
    assert bleu([text], [text]) == pytest.approx(100.0)


@given(st.lists(st.sampled_from(VOCABULARY), min_size=4), st.lists(st.sampled_from("zxqw")))
def test_disjoint_texts_score_nothing(mine: list[str], other: list[str]) -> None:
    reference, hypothesis = " ".join(mine).replace("'", " "), " ".join(other)
    assert rouge(reference, hypothesis) == Rouge(0.0, 0.0, 0.0)
    assert bleu([reference], [hypothesis]) == 0.0


@given(st.text(), st.text())
def test_scores_stay_in_range_for_any_text(reference: str, hypothesis: str) -> None:
    found = rouge(reference, hypothesis)
    assert all(0 <= value <= 1 for value in (found.rouge1, found.rouge2, found.rougeL))
    assert 0 <= bleu([reference], [hypothesis]) <= 100 + 1e-9
    assert 0 <= distinct_2([reference, hypothesis]) <= 1


def test_the_mean_counts_each_pair_the_same() -> None:
    assert mean_rouge([Rouge(1, 0.5, 0), Rouge(0, 0.5, 1)]) == Rouge(0.5, 0.5, 0.5)


def test_distinct_2_counts_different_pairs_over_all_texts() -> None:
    assert distinct_2(["warm tea warm tea"]) == pytest.approx(2 / 3)
    assert distinct_2(["warm tea", "Warm tea!"]) == pytest.approx(1 / 2)
    assert distinct_2(["tea", ""]) == 0.0
