"""Which texts are near-duplicates: an exact set-similarity join.

Every pair at or above the threshold is found (recall 1), because the promise that no near-duplicate
crosses from train into test has no room for a sketch's misses. Prefix filtering makes it fast: two
sets with Jaccard similarity t share an element among the first |x| - ceil(t|x|) + 1 of each, in any
common order, and with the rarest elements first few pairs do (Chaudhuri et al., "A Primitive
Operator for Similarity Joins in Data Cleaning", ICDE 2006; Bayardo et al., "Scaling Up All Pairs
Similarity Search", WWW 2007).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from scraper.clean.words import Gram, grams, words

SHORT_WORDS = 8
"""Texts below this many words are also compared by characters: one word more or less changes most
of their word 3-grams."""

Pair = tuple[int, int]
_ROUNDING = 1e-9


def similar_pairs(texts: Sequence[str], threshold: float) -> dict[Pair, float]:
    """All pairs (i < j) of texts with similarity at or above the threshold, and that similarity.

    It is the greatest Jaccard similarity among the word 3-grams of the texts, their 3-grams of
    white-space separated tokens, and, between short texts, their character 5-grams. Case is folded.
    """
    tokens = [words(text) for text in texts]
    plain = [text.casefold().split() for text in texts]
    short = [" ".join(found) if len(found) < SHORT_WORDS else "" for found in tokens]
    best: dict[Pair, float] = {}
    for views, length in ((tokens, 3), (plain, 3), (short, 5)):
        sets = [grams(view, length) for view in views]
        for pair, similarity in jaccard_join(sets, threshold).items():
            best[pair] = max(similarity, best.get(pair, 0.0))
    return best


def jaccard_join(sets: Sequence[frozenset[Gram]], threshold: float) -> dict[Pair, float]:
    """All pairs (i < j) of non-empty sets whose Jaccard similarity is at least the threshold."""
    frequency = Counter(gram for grams in sets for gram in grams)
    shortest_first = sorted(
        (i for i, found in enumerate(sets) if found), key=lambda i: len(sets[i])
    )
    index: dict[Gram, list[int]] = defaultdict(list)
    pairs: dict[Pair, float] = {}
    for i in shortest_first:
        size = len(sets[i])
        least = threshold * size - _ROUNDING
        rarest_first = sorted(sets[i], key=lambda gram: (frequency[gram], gram))
        prefix = rarest_first[: size - math.ceil(least) + 1]
        candidates = {j for gram in prefix for j in index[gram] if len(sets[j]) >= least}
        for j in candidates:
            overlap = len(sets[i] & sets[j])
            union = size + len(sets[j]) - overlap
            if overlap >= threshold * union - _ROUNDING:
                pairs[min(i, j), max(i, j)] = overlap / union
        for gram in prefix:
            index[gram].append(i)
    return pairs
