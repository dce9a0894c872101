import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.scores import METRICS, likelihood_rows, overlap_rows


def distinct(texts: list[str], order: int) -> float:
    rows = overlap_rows(texts, texts)[f"distinct_{order}"]
    return METRICS[f"distinct_{order}"].score(rows)


def test_distinct_counts_different_ngrams_over_all_texts() -> None:
    assert distinct(["warm tea warm tea"], 2) == pytest.approx(2 / 3)
    assert distinct(["warm tea", "Warm tea!"], 2) == pytest.approx(1 / 2)
    assert distinct(["warm tea", "Warm tea!"], 1) == pytest.approx(1 / 2)
    assert distinct(["tea", ""], 2) == 0.0


@given(st.lists(st.lists(st.sampled_from(["warm", "tea", "cup"]), max_size=6), min_size=1))
def test_distinct_is_types_over_tokens(texts: list[list[str]]) -> None:
    pairs = [pair for text in texts for pair in pairwise(text)]
    expected = len(set(pairs)) / len(pairs) if pairs else 0.0
    assert distinct([" ".join(text) for text in texts], 2) == pytest.approx(expected)


def test_lengths_in_words() -> None:
    rows = overlap_rows(["one two three four", ""], ["one two", "one two"])
    assert METRICS["length"].score(rows["length"]) == 2.0
    assert METRICS["length_ratio"].score(rows["length_ratio"]) == 1.0


def test_perplexity_and_bits_per_byte() -> None:
    """A model that gives every token probability 1/8: three bits a token."""
    tokens = [4, 2]
    rows = likelihood_rows([n * math.log(8) for n in tokens], tokens, ["chai", "茶"])
    assert METRICS["perplexity"].score(rows) == pytest.approx(8)
    assert METRICS["bits_per_byte"].score(rows) == pytest.approx(3 * 6 / (4 + 3))
    assert METRICS["perplexity"].scores(rows) == pytest.approx([8, 8])


def test_a_perplexity_beyond_all_numbers_is_still_one() -> None:
    rows = likelihood_rows([9e3], [3], ["chai"])
    assert 1e300 < METRICS["perplexity"].score(rows) < math.inf


def test_bits_per_byte_do_not_depend_on_the_tokenizer() -> None:
    """The same surprise over the same text, told in five tokens or in two."""
    fine = likelihood_rows([10.0], [5], ["warm tea"])
    coarse = likelihood_rows([10.0], [2], ["warm tea"])
    bits, perplexity = METRICS["bits_per_byte"], METRICS["perplexity"]
    assert bits.score(fine) == bits.score(coarse)
    assert perplexity.score(fine) != perplexity.score(coarse)
