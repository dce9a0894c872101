import pytest

from eval.scores import overlap_rows
from eval.scores.second_opinion import ask_libraries
from onbrand.errors import OnbrandError

MADE = ["a warm cup of tea and rain", "بارش اور چائے کا مزا بھی", "", "tea"]
REAL = ["a cup of warm tea in the rain\nby four", "چائے اور بارش کا مزا", "tea", "tea"]


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("bleu", "nltk"),
        ("bleu_sacrebleu", "sacrebleu"),
        ("chrf", "sacrebleu"),
        ("rouge2", "rouge-score"),
        ("rougeLsum", "rouge-score"),
    ],
)
def test_a_library_that_counts_otherwise_is_noticed(name: str, library: str) -> None:
    rows = overlap_rows(MADE, REAL)
    changed = rows[name].copy()
    changed[0] *= [0.9] + [1] * (changed.shape[1] - 1)
    with pytest.raises(OnbrandError, match=f"{library} finds {name}") as caught:
        ask_libraries(MADE, REAL, {**rows, name: changed})
    assert "constraints.txt" in str(caught.value)
