import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from eval.scores.words import words, words_and_punctuation


@given(st.text(st.characters(max_codepoint=127)))
def test_on_ascii_words_are_those_of_rouge_score(text: str) -> None:
    assert words(text) == tokenize(text, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("چائے اور اُردو", ["چائے", "اور", "اُردو"]),
        ("हिन्दी चाय", ["हिन्दी", "चाय"]),
        ("我爱茶 tea", ["我", "爱", "茶", "tea"]),
        ("👨‍👩‍👧❤️ 👍🏽🇵🇰", ["👨‍👩‍👧", "❤️", "👍🏽", "🇵🇰"]),
        ("«Ça va?» — oui…", ["ça", "va", "oui"]),
        ("\ufffd\ufffdtea", ["tea"]),
    ],
)
def test_words_of_every_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_punctuation_and_case_count_for_bleu() -> None:
    assert words_and_punctuation("Tea, 3.50!! #Now") == [
        *["Tea", ",", "3", ".", "50", "!", "!", "#", "Now"]
    ]


@given(st.text())
def test_words_are_among_words_and_punctuation(text: str) -> None:
    both = [token.lower() for token in words_and_punctuation(text)]
    assert all(any(word in token for token in both) for word in words(text))
