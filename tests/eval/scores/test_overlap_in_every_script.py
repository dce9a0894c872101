import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.scores import METRICS, overlap, overlap_rows
from eval.scores.words import words
from onbrand.errors import UsageError

TEXTS = {
    "Urdu": "ہر گھونٹ میں اُردو کی مٹھاس ہے اور چائے کا مزا بھی",
    "Arabic": "صباح الخير، فنجان شاي دافئ مع النعناع في يوم ممطر",
    "Chinese": "我爱喝茶，雨天更爱。",
    "Hindi": "हिन्दी में चाय और बारिश",
    "emoji": "☕ 🍪 🌧️ 👨‍👩‍👧 🇵🇰 👍🏽",
    "mixed": "Chai ho jaye? ☕ بارش اور چائے 我爱茶 हिन्दी में चाय",
    "English": "Warm rain and warmer cups.",
}
PERFECT = {"bleu": 100, "bleu_sacrebleu": 100, "chrf": 100, "rouge1": 1, "rouge2": 1}
PERFECT |= {"rougeL": 1, "rougeLsum": 1, "length_ratio": 1}
ONE_WORD = {"chrf": 100, "rouge1": 1, "rougeL": 1, "rougeLsum": 1, "length_ratio": 1}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_identical_texts_score_full_marks(text: str) -> None:
    found = overlap([text], [text])
    assert {name: found[name] for name in PERFECT} == pytest.approx(PERFECT)


@pytest.mark.parametrize("text", ["tea", "چائے", "☕", "茶"])
def test_one_word_identical(text: str) -> None:
    found = overlap([text], [text])
    assert {name: found[name] for name in ONE_WORD} == pytest.approx(ONE_WORD)
    assert (found["rouge2"], found["length"], found["distinct_1"]) == (0, 1, 1)


@pytest.mark.parametrize("one", TEXTS)
@pytest.mark.parametrize("other", ["777 888 999 444 777", ""])
def test_disjoint_and_empty_texts_score_nothing(one: str, other: str) -> None:
    found = overlap([TEXTS[one]], [other]) | {"length_ratio": 0, "length": 0}
    compared = {name: found[name] for name in PERFECT}
    assert compared == pytest.approx(dict.fromkeys(PERFECT, 0.0), abs=1e-12)


def test_two_empty_texts_score_nothing() -> None:
    assert set(overlap([""], [""]).values()) == {0.0}


@given(st.text(min_size=1), st.text())
def test_scores_stay_in_range_for_any_text(reference: str, hypothesis: str) -> None:
    found = overlap([reference], [hypothesis])
    for name in ("bleu", "bleu_sacrebleu", "chrf"):
        assert 0 <= found[name] <= 100 + 1e-9
    for name in ("rouge1", "rouge2", "rougeL", "rougeLsum", "distinct_1", "distinct_2"):
        assert 0 <= found[name] <= 1 + 1e-12
    assert found["rougeL"] <= found["rouge1"] + 1e-12


@given(st.text())
def test_any_text_is_as_good_as_itself(text: str) -> None:
    found = overlap([text], [text])
    many = len(words(text))
    assert found["rouge1"] == found["rougeL"] == found["rougeLsum"] == (1.0 if many else 0.0)
    assert found["rouge2"] == (1.0 if many > 1 else 0.0)
    assert found["chrf"] == pytest.approx(100.0 if text.split() else 0.0)


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=6))
def test_texts_do_not_touch_one_another(pairs: list[tuple[str, str]]) -> None:
    hypotheses, references = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    together = overlap_rows(hypotheses, references)
    for index, (hypothesis, reference) in enumerate(pairs):
        alone = overlap_rows([hypothesis], [reference])
        for name, rows in alone.items():
            if not name.startswith("distinct"):
                assert together[name][index].tolist() == rows[0].tolist(), name


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_says_how_it_is_computed(metric: object) -> None:
    assert getattr(metric, "how")  # noqa: B009
    assert all(":" in part for part in metric.how.split("|"))  # type: ignore[attr-defined]


def test_transposed_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match="one reference for each text"):
        overlap_rows(["a", "b"], [["a"], ["b"]])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="2 hypotheses and 1 references"):
        overlap_rows(["a", "b"], ["a"])
