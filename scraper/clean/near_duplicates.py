"""Near-duplicates: the nearly identical go, the similar stay together in one group."""

from collections import defaultdict
from collections.abc import Sequence

from onbrand.record import Record
from scraper.clean.rejected import Sieve
from scraper.clean.similarity import similar_pairs

SAME_TEXT = 0.9
"""Similarity from which two texts teach a model the same thing twice; the longer one is kept."""


def group_near_duplicates(
    records: Sequence[Record], threshold: float, sieve: Sieve
) -> list[Record]:
    """Drop texts that nearly repeat a kept one, and give the rest their `group`.

    A group is a connected component of the pairs at or above the threshold, named after its first
    record; it is never split between train and test. For the similarity see `similar_pairs`.
    """
    pairs = similar_pairs([record.text for record in records], threshold)
    neighbours: dict[int, dict[int, float]] = defaultdict(dict)
    for (i, j), similarity in pairs.items():
        neighbours[i][j] = neighbours[j][i] = similarity
    kept = _without_repeats(records, neighbours, max(SAME_TEXT, threshold), sieve)
    return [
        records[i].model_copy(update={"group": records[first].id})
        for i, first in _components(kept, neighbours).items()
    ]


def _without_repeats(
    records: Sequence[Record],
    neighbours: dict[int, dict[int, float]],
    same: float,
    sieve: Sieve,
) -> list[int]:
    """Longest first, keep a text unless it nearly repeats one that is kept."""
    kept: set[int] = set()
    for i in sorted(range(len(records)), key=lambda i: (-len(records[i].text), i)):
        twins = [j for j, similarity in neighbours[i].items() if similarity >= same and j in kept]
        if not twins:
            kept.add(i)
            continue
        j = max(twins, key=lambda j: (neighbours[i][j], -j))
        reason = f"nearly the same text as {records[j].id} (Jaccard {neighbours[i][j]:.2f})"
        sieve.drop(records[i], "near-duplicate", reason)
    return sorted(kept)


def _components(kept: Sequence[int], neighbours: dict[int, dict[int, float]]) -> dict[int, int]:
    """The first member of each kept record's connected component, in the records' order."""
    first_of: dict[int, int] = {}
    members = set(kept)
    for start in kept:
        stack = [start] if start not in first_of else []
        while stack:
            i = stack.pop()
            if i not in first_of:
                first_of[i] = start
                stack.extend(j for j in neighbours[i] if j in members)
    return {i: first_of[i] for i in kept}
