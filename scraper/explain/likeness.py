"""How alike two texts are, by the measure that near-duplicates are told by."""

from collections.abc import Sequence
from itertools import pairwise

from scraper.clean.similarity import views


def likeness(text: str, others: Sequence[str]) -> list[float]:
    """Similarity of a text with each of the others, 0 to 1: the greatest of any view of the two."""
    best = [0.0] * len(others)
    for sets in views([text, *others]):
        starts = sets.starts.tolist()
        members = [set(sets.items[start:end].tolist()) for start, end in pairwise(starts)]
        for place, other in enumerate(members[1:]):
            if members[0] and other:
                shared = len(members[0] & other)
                union = len(members[0]) + len(other) - shared
                best[place] = max(best[place], shared / union)
    return best
