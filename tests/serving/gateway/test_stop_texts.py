from hypothesis import given
from hypothesis import strategies as st

from serving.gateway.stop_texts import StopCut

few_letters = st.text("ab ", min_size=1, max_size=4)


@given(st.lists(st.text("ab ", max_size=3)), st.lists(few_letters, max_size=3))
def test_whatever_the_pieces_the_text_ends_before_the_first_stop_text(
    pieces: list[str], stops: list[str]
) -> None:
    cut = StopCut(stops)
    shown = "".join(cut.feed(piece) for piece in pieces) + cut.rest()

    # When two stop texts end at different pieces, the one that is whole first decides.
    text, seen = "".join(pieces), ""
    for piece in pieces:
        seen += piece
        if found := [seen.find(stop) for stop in stops if stop in seen]:
            assert shown == seen[: min(found)]
            assert cut.stopped
            return
    assert shown == text
    assert not cut.stopped


def test_text_is_held_back_only_while_it_could_begin_a_stop_text() -> None:
    cut = StopCut(["###"])
    assert [cut.feed(piece) for piece in ["one #", "#", " two"]] == ["one ", "", "## two"]
