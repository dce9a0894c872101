from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import _lcs_table, lcs_ind

from eval.scores import lcs

Tokens = st.lists(st.sampled_from("abcd"), max_size=80)


@given(Tokens, Tokens)
def test_length_and_places_are_those_of_the_full_table(
    reference: list[str], candidate: list[str]
) -> None:
    assert lcs.length(reference, candidate) == _lcs_table(reference, candidate)[-1][-1]
    assert lcs.indices(reference, candidate)[::-1] == lcs_ind(reference, candidate)
