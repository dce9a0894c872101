"""Near-duplicates: the nearly identical go, the similar stay together in one group."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from onbrand.record import Record
from scraper.clean.rejected import Sieve
from scraper.clean.shingles import Integers, Sets
from scraper.clean.similarity import Join, views

SAME_TEXT = 0.9
"""Similarity from which two texts teach a model the same thing twice; the longer one is kept."""

_BLOCK = 1000
"""Records compared at a time with all before them, at most …"""
_CROWDED = 50_000
"""… and fewer, where they meet one another more often than this."""


def group_near_duplicates(
    records: Sequence[Record], threshold: float, sieve: Sieve
) -> list[Record]:
    """Drop texts that nearly repeat a kept one, and give the rest their `group`.

    A group is a connected component of the pairs at or above the threshold, named after its first
    record; it is never split between train and test. For the similarity see `similarity.views`.
    """
    longest_first = sorted(range(len(records)), key=lambda i: (-len(records[i].text), i))
    sets = views([records[i].text for i in longest_first])
    repeats = _repeats(sets, max(SAME_TEXT, threshold))
    for row, (kept_row, similarity) in repeats.items():
        kept = records[longest_first[kept_row]]
        reason = f"nearly the same text as {kept.id} (Jaccard {similarity:.2f})"
        sieve.drop(records[longest_first[row]], "near-duplicate", reason, kept.id)
    labels = _components(sets, threshold, repeats)
    label_of = {longest_first[row]: label for row, label in enumerate(labels) if row not in repeats}
    first_of: dict[int, str] = {}
    for i in sorted(label_of):
        first_of.setdefault(label_of[i], records[i].id)
    return [
        records[i].model_copy(update={"group": first_of[label_of[i]]}) for i in sorted(label_of)
    ]


def _repeats(sets: Sequence[Sets], same: float) -> dict[int, tuple[int, float]]:
    """Rows that nearly repeat a kept row before them, with the nearest such row.

    A dropped row is compared with nothing after it, so a text repeated ten thousand times costs ten
    thousand comparisons and not their square.
    """
    joins = [Join(view, same) for view in sets]
    count = len(sets[0].sizes)
    repeats: dict[int, tuple[int, float]] = {}
    last = 0
    while last < count:
        first, last = last, _block_end(joins, last, count)
        twins: dict[int, dict[int, float]] = defaultdict(dict)
        for join in joins:
            for i, j, similarity in join.pairs(first, last):
                for row, other, jaccard in zip(
                    i.tolist(), j.tolist(), similarity.tolist(), strict=True
                ):
                    twins[row][other] = max(jaccard, twins[row].get(other, 0.0))
        gone = np.zeros(count, np.bool_)
        for row in sorted(twins):
            if near := {j: s for j, s in twins[row].items() if j not in repeats}:
                best = max(near, key=lambda j: (near[j], -j))
                repeats[row] = best, near[best]
                gone[row] = True
        for join in joins:
            join.forget(gone)
    return repeats


def _block_end(joins: Sequence[Join], first: int, count: int) -> int:
    """Where the block that starts at `first` ends: smaller where a family stands together."""
    last = min(first + _BLOCK, count)
    while last - first > 1 and any(join.crowding(first, last) > _CROWDED for join in joins):
        last = (first + last) // 2
    return last


def _components(
    sets: Sequence[Sets], threshold: float, repeats: dict[int, tuple[int, float]]
) -> list[int]:
    """The connected component of each row, by its lowest row, leaving out `repeats`."""
    count = len(sets[0].sizes)
    gone = np.zeros(count, np.bool_)
    gone[list(repeats)] = True
    labels: Integers = np.arange(count)
    for view in sets:
        join = Join(view, threshold)
        join.forget(gone)
        labels = join.connected(labels)
    return [int(label) for label in labels]
