from hypothesis import given
from hypothesis import strategies as st

from eval.report.highlights import highlight
from eval.scores import METRICS, overlap_rows
from eval.scores.words import word_spans, words


def kinds(text: str, reference: str, copied: str = "") -> list[tuple[str, str]]:
    return [(kind, piece.strip()) for kind, piece in highlight(text, reference, copied)]


def test_words_in_common_and_in_order_are_one_piece() -> None:
    assert kinds("Come in, the kettle is cold", "the kettle is warm, come in") == [
        ("", "Come in,"),
        ("shared", "the kettle is"),
        ("", "cold"),
    ]


def test_a_long_run_from_training_is_marked_whatever_else_it_is() -> None:
    run = "we saved you a seat beside"
    assert kinds(f"Ahoy! {run} the fire", "we saved you a seat", run) == [
        ("", "Ahoy!"),
        ("copied", run),
        ("", "the fire"),
    ]
    assert ("copied", "saved you a") not in kinds("we saved you a seat", "x", "saved you a")


@given(st.text(), st.text(), st.text())
def test_nothing_is_lost_or_added(text: str, reference: str, copied: str) -> None:
    assert "".join(piece.text for piece in highlight(text, reference, copied)) == text


@given(st.text(), st.text())
def test_as_many_words_as_rouge_l_counts(text: str, reference: str) -> None:
    shared = sum(len(word_spans(piece.text)) for piece in highlight(text, reference) if piece.kind)
    mine, theirs = words(text), words(reference)
    if len(mine) != len(word_spans(text)) or len(theirs) != len(word_spans(reference)):
        return  # a character that becomes two in lower case
    [f1] = METRICS["rougeL"].scores(overlap_rows([text], [reference])["rougeL"])
    total = len(mine) + len(theirs)
    assert abs((2 * shared / total if total else 0.0) - f1) < 1e-9
