"""Which words of a continuation are the brand's own: for reading two texts side by side."""

from typing import Literal, NamedTuple

from eval.scores import lcs
from eval.scores.words import word_spans

Kind = Literal["", "shared", "copied"]

SHORTEST_COPY = 6
"""Words in a row from training; fewer are everybody's."""


class Piece(NamedTuple):
    """A stretch of a text."""

    kind: Kind
    """`shared`: in common with the real text and in the same order, as ROUGE-L counts it.
    `copied`: the longest run that stands in a training text too, whatever else it is."""
    text: str


def highlight(text: str, reference: str, copied: str = "") -> list[Piece]:
    """The whole text in pieces; neighbouring words of a kind are one piece.

    Args:
        text: what is shown.
        reference: the real second half.
        copied: the words that the text shares with training, as `eval.honesty.Copy.span`.
    """
    spans = word_spans(text)
    mine = [span.word for span in spans]
    shared = set(lcs.indices(mine, [span.word for span in word_spans(reference)]))
    kinds: list[Kind] = ["shared" if place in shared else "" for place in range(len(mine))]
    for place in _run(mine, copied.split()):
        kinds[place] = "copied"
    pieces: list[Piece] = []
    end = 0
    for span, kind in zip(spans, kinds, strict=True):
        _add(pieces, "" if not pieces or pieces[-1].kind != kind else kind, text[end : span.start])
        _add(pieces, kind, text[span.start : span.end])
        end = span.end
    _add(pieces, "", text[end:])
    return pieces


def _run(words: list[str], copied: list[str]) -> range:
    """Where the copied words stand; empty where they are too few or not there."""
    if len(copied) >= SHORTEST_COPY:
        for start in range(len(words) - len(copied) + 1):
            if words[start : start + len(copied)] == copied:
                return range(start, start + len(copied))
    return range(0)


def _add(pieces: list[Piece], kind: Kind, text: str) -> None:
    if not text:
        return
    if pieces and pieces[-1].kind == kind:
        pieces[-1] = Piece(kind, pieces[-1].text + text)
    else:
        pieces.append(Piece(kind, text))
