from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from eval.scores.ngrams import overlap

Tokens = st.lists(st.sampled_from("abc"), max_size=12)


def counter(tokens: list[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))


@given(st.lists(st.tuples(Tokens, Tokens), min_size=1, max_size=5))
def test_counts_are_those_of_counters(pairs: list[tuple[list[str], list[str]]]) -> None:
    found = overlap([mine for mine, _ in pairs], [theirs for _, theirs in pairs], 4)
    for index, (mine, theirs) in enumerate(pairs):
        for order in range(1, 5):
            a, b = counter(mine, order), counter(theirs, order)
            assert found.matches[index, order - 1] == (a & b).total()
            assert found.hypothesis[index, order - 1] == a.total()
            assert found.reference[index, order - 1] == b.total()
