"""Test texts that training has seen, whole or in long pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from eval.honesty.shared_runs import longest_shared_runs
from eval.scores.ngrams import encode, of_orders
from eval.scores.words import words
from eval.texts import Text

SIMILAR = 0.5
LONG = 13
"""Words in a row: what GPT-3's authors called an overlap (Brown et al., 2020, appendix C)."""

_SHINGLE = 3


@dataclass(frozen=True)
class Leak:
    """A test text, the training text most like it, and the longest run it shares with any."""

    test_id: str
    train_id: str
    """The most similar one; where none is alike, the one with the run."""
    similarity: float
    """Jaccard similarity of their word 3-grams, 0 to 1."""
    shared_words: int
    """The longest run of words that the test text shares with any training text."""
    shared: str
    """That run, in lower case, without punctuation."""

    @property
    def is_near_duplicate(self) -> bool:
        """Whether the two are one text, more or less."""
        return self.similarity >= SIMILAR


def leaks(train: Sequence[Text], test: Sequence[Text]) -> list[Leak]:
    """Test texts at a similarity of 0.5 or more, or sharing 13 words in a row; worst first.

    Words only: neither case nor punctuation tells two texts apart.
    """
    if not train or not test:
        return []
    known, asked = [words(text.text) for text in train], [words(text.text) for text in test]
    nearest, similarity = _nearest(known, asked)
    found = []
    for index, run in enumerate(longest_shared_runs(asked, known)):
        if similarity[index] < SIMILAR and run.length < LONG:
            continue
        alike = nearest[index] if similarity[index] > 0 or run.other is None else run.other
        found.append(
            Leak(
                test_id=test[index].id,
                train_id=train[alike].id,
                similarity=similarity[index],
                shared_words=run.length,
                shared=" ".join(asked[index][run.start : run.start + run.length]),
            )
        )
    return sorted(found, key=lambda leak: (-leak.similarity, -leak.shared_words))


def _nearest(
    known: Sequence[Sequence[str]], asked: Sequence[Sequence[str]]
) -> tuple[list[int], list[float]]:
    """For each of `asked`, which of `known` is most like it, and the Jaccard similarity."""
    shingles = _shingles([*known, *asked])
    theirs, mine = shingles[: len(known)], shingles[len(known) :]
    shared = (mine @ theirs.T).toarray()
    together = mine.sum(axis=1)[:, None] + theirs.sum(axis=1)[None, :] - shared
    similarity = np.divide(shared, together, out=np.zeros_like(shared), where=together > 0)
    nearest = similarity.argmax(axis=1)
    return nearest.tolist(), similarity[np.arange(len(asked)), nearest].tolist()


def _shingles(texts: Sequence[Sequence[str]]) -> csr_array:
    """1 where a text (row) has a word 3-gram (column)."""
    *_, (grams, text) = of_orders(*encode(texts), _SHINGLE)
    columns = int(grams.max(initial=0)) + 1
    once = np.unique(np.stack([text, grams]), axis=1)
    return csr_array((np.ones(once.shape[1]), tuple(once)), shape=(len(texts), columns))
