"""The pieces that a story shows of two texts that differ."""

from hypothesis import given
from hypothesis import strategies as st

from scraper.explain.difference import pieces, visible

WORDS = st.lists(
    st.sampled_from(["tea", "cup", " ", "\n", "\u00a0", "☕️", "!", "چائے"]), max_size=40
)


@given(WORDS, WORDS)
def test_pieces_account_for_every_difference(before: list[str], after: list[str]) -> None:
    old, new = "".join(before), "".join(after)
    found = pieces(old, new)
    assert bool(found) == (old != new)
    assert len(old) - len(new) == sum(len(p.removed) - len(p.added) for p in found)
    rest = old
    for piece in found:
        assert piece.removed in rest
        rest = rest[rest.index(piece.removed) + len(piece.removed) :]


@given(st.text())
def test_what_is_shown_is_one_line_without_anything_unseen(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert all(character.isprintable() or character in "\u200c\u200d" for character in shown)


def test_a_long_text_is_compared_in_time() -> None:
    old = "\n".join(f"line {n} of a long page with words" for n in range(20_000))
    assert len(pieces(old, old.replace("line 777 ", "LINE 777 "))) == 1
