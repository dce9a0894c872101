"""The exact join against brute force, written independently of it."""

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.clean.similarity import jaccard_join, similar_pairs
from scraper.clean.words import grams, prose, words


def jaccard(a: set[object] | frozenset[object], b: set[object] | frozenset[object]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0


SETS = st.lists(
    st.frozensets(st.sampled_from("abcdefghijkl").map(lambda letter: (letter,)), max_size=10),
    max_size=25,
)


@given(SETS, st.sampled_from([0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0]))
def test_the_join_finds_exactly_the_pairs_that_brute_force_finds(
    sets: list[frozenset[tuple[str, ...]]], threshold: float
) -> None:
    expected = {
        (i, j): jaccard(sets[i], sets[j])
        for i, j in itertools.combinations(range(len(sets)), 2)
        if sets[i] and sets[j] and jaccard(sets[i], sets[j]) >= threshold - 1e-9
    }
    assert jaccard_join(sets, threshold) == expected


@given(st.lists(st.lists(st.sampled_from(["ab", "c", "d.", "E!"]), max_size=12), max_size=8))
def test_no_pair_with_similar_3_grams_is_missed(texts: list[list[str]]) -> None:
    """Whether words are told apart by white space or by letters, and whatever their case."""
    import re

    joined = [" ".join(text) for text in texts]
    found = similar_pairs(joined, 0.7)
    for tokenise in (lambda t: t.lower().split(), lambda t: re.findall(r"\w+", t.lower())):
        tokens = [tokenise(text) for text in joined]
        sets = [set(zip(t, t[1:], t[2:], strict=False)) for t in tokens]
        for i, j in itertools.combinations(range(len(sets)), 2):
            if sets[i] and sets[j] and jaccard(sets[i], sets[j]) >= 0.7:
                assert (i, j) in found


def test_short_texts_are_compared_by_characters() -> None:
    texts = ["Happy Eid to all chai lovers!", "Happy Eid to all chai lover!", "Something else"]
    assert list(similar_pairs(texts, 0.7)) == [(0, 1)]


@pytest.mark.slow
def test_ten_thousand_texts_are_joined_within_a_minute() -> None:
    random.seed(1)
    vocabulary = [f"w{n}" for n in range(3000)]
    hashtags = " #brand #everyday #tea #chai"  # what all posts share must not slow it down
    texts = [" ".join(random.choices(vocabulary, k=40)) + hashtags for _ in range(9_000)]
    texts += [text.replace("w1 ", "w2 ", 1) + " more" for text in texts[:1_000]]
    started = time.monotonic()
    pairs = similar_pairs(texts, 0.7)
    assert time.monotonic() - started < 60
    assert {(n, 9_000 + n) for n in range(1_000)} <= set(pairs)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Two words", 2),
        ("don't stop", 3),
        ("چائے کا وقت", 3),
        ("हिन्दी में चाय", 3),
        ("お茶の時間", 5),
        ("☕ 🎉 — …", 0),
        ("20 g of tea", 4),
        ("", 0),
    ],
)
def test_words_in_any_script(text: str, count: int) -> None:
    assert len(words(text)) == count


def test_prose_leaves_out_what_is_no_prose() -> None:
    text = "Sip it #TapalDanedar @tapal.tea https://x.invalid/a [phone] [email] now #چائے"
    assert words(prose(text)) == ["sip", "it", "now"]


def test_grams_of_short_texts() -> None:
    assert grams([], 3) == frozenset()
    assert grams(["a", "b"], 3) == {("a", "b")}
    assert grams(["a", "b", "c", "d"], 3) == {("a", "b", "c"), ("b", "c", "d")}
    assert grams("abc", 2) == {("a", "b"), ("b", "c")}
