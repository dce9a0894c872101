"""Which texts are near-duplicates: an exact set-similarity join.

Every pair at or above the threshold is found (recall 1), because the promise that no near-duplicate
crosses from train into test has no room for a sketch's misses. Three filters keep it fast, none of
which loses a pair:

- prefix: two sets with Jaccard similarity t share an element among the first |x| - ceil(t|x|) + 1
  of each in any common order, and with the rarest elements first few pairs do (Chaudhuri et al.,
  "A Primitive Operator for Similarity Joins in Data Cleaning", ICDE 2006; Bayardo et al., "Scaling
  Up All Pairs Similarity Search", WWW 2007);
- position: what follows the shared element must be long enough (Xiao et al., "Efficient Similarity
  Joins for Near Duplicate Detection", WWW 2008);
- bitmap: bits in which two sets' bitmaps differ are elements in which the sets differ (Sandes et
  al., "Bitmap Filter: Speeding up Exact Set Similarity Joins with Bitwise Operations", 2017).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from scraper.clean.components import united
from scraper.clean.shingles import Integers, Sets, character_shingles, distinct, word_shingles
from scraper.clean.words import words

SHORT_WORDS = 8
"""Texts below this many words are also compared by characters: one word more or less changes most
of their word 3-grams."""

Pairs = tuple[Integers, Integers, npt.NDArray[np.float64]]
"""Rows i, rows j, and the similarity of each such two."""

_ROUNDING = 1e-9
_AT_ONCE = 1 << 21
"""Elements that one step of array arithmetic works on; bounds the memory it takes."""
_BITMAP_WORDS = 4


def views(texts: Sequence[str]) -> list[Sets]:
    """The sets that texts are compared by: the similarity of two texts is the greatest of any view.

    These are the 3-grams of their words, the 3-grams of their white-space separated tokens, and, of
    short texts, the character 5-grams of their words. Case is folded.
    """
    found = [words(text) for text in texts]
    short = [" ".join(text) if len(text) < SHORT_WORDS else "" for text in found]
    by_words = word_shingles(found, 3)
    del found
    by_tokens = word_shingles([text.casefold().split() for text in texts], 3)
    return [by_words, by_tokens, character_shingles(short, 5)]


class Join:
    """The pairs among sets at or above a threshold, found block by block."""

    def __init__(self, sets: Sets, threshold: float) -> None:
        """Index the sets' prefixes.

        Args:
            sets: what is joined; an empty set is similar to none.
            threshold: Jaccard similarity, above 0.
        """
        self._sets, self._threshold = sets, threshold
        self._sizes = sets.sizes
        self._keys = sets.rows * self._stride + sets.items
        self._bitmaps = _bitmaps(sets)
        least = np.ceil(threshold * self._sizes - _ROUNDING).astype(np.int64)
        prefix = np.where(self._sizes > 0, self._sizes - least + 1, 0)
        place = np.arange(len(sets.items)) - np.repeat(sets.starts[:-1], self._sizes)
        inside = place < np.repeat(prefix, self._sizes)
        item, row, place = sets.items[inside], sets.rows[inside], place[inside]
        by_item = np.lexsort((row, item))
        self._index(item[by_item], row[by_item], place[by_item])

    def _index(self, item: Integers, row: Integers, place: Integers) -> None:
        """Keep the prefixes' members, by item and then row; each item's rows are a list."""
        self._item, self._row, self._place = item, row, place
        new_list = np.diff(item, prepend=-1) != 0
        start = np.where(new_list, np.arange(len(item)), 0)
        self._list_start: Integers = np.maximum.accumulate(start)

    @property
    def _stride(self) -> int:
        return int(self._sets.items.max(initial=0)) + 1

    def forget(self, rows: npt.NDArray[np.bool_]) -> None:
        """Compare no further set with these rows ([sets], True for each one to forget)."""
        stay = ~rows[self._row]
        self._index(self._item[stay], self._row[stay], self._place[stay])

    def crowding(self, first: int, last: int) -> int:
        """How often two rows from `first` up to `last` meet in the index: work for `pairs`."""
        lists = self._list_start[(self._row >= first) & (self._row < last)]
        meeting = np.bincount(lists)
        return int((meeting * (meeting - 1) // 2).sum())

    def pairs(self, first: int, last: int) -> Iterator[Pairs]:
        """Pairs of a row i from `first` up to (not with) `last`, and any row j before it.

        A pair may come more than once.
        """
        probes = np.flatnonzero((self._row >= first) & (self._row < last))
        partners = probes - self._list_start[probes]
        for part in _parts(partners):
            probe, count = probes[part], partners[part]
            here = np.repeat(probe, count)
            there = np.repeat(self._list_start[probe], count) + _counted(count)
            yield from self._similar(*self._candidates(here, there))

    def connected(self, labels: Integers) -> Integers:
        """The connected components of the pairs, added to components that are there already.

        Neighbours in the index's lists are compared first: they connect most of what is similar in
        large families, whose members then need no comparison with one another.

        Args:
            labels: [sets], the lowest row of each row's component.
        """
        later = np.flatnonzero(self._list_start < np.arange(len(self._row)))
        for first in range(0, len(later), _AT_ONCE):
            here = later[first : first + _AT_ONCE]
            labels = self._connect(labels, here, here - 1)
        by_label = np.lexsort((labels[self._row], self._item))
        self._index(self._item[by_label], self._row[by_label], self._place[by_label])
        label = labels[self._row]
        new_run = (np.diff(label, prepend=-1) != 0) | (np.diff(self._item, prepend=-1) != 0)
        run_start = np.maximum.accumulate(np.where(new_run, np.arange(len(label)), 0))
        others = run_start - self._list_start  # of other components, before this one in the list
        for part in _parts(others):
            here = np.repeat(np.arange(part.start, part.stop), others[part])
            there = np.repeat(self._list_start[part], others[part]) + _counted(others[part])
            labels = self._connect(labels, here, there)
        return labels

    def _connect(self, labels: Integers, here: Integers, there: Integers) -> Integers:
        apart = labels[self._row[here]] != labels[self._row[there]]
        for i, j, _ in self._similar(*self._candidates(here[apart], there[apart])):
            labels = united(labels, i, j)
        return labels

    def _candidates(self, here: Integers, there: Integers) -> tuple[Integers, Integers]:
        """Rows i and j at these places of the index, each two once, unless they cannot be a pair.

        A pair always passes at the first element that it shares.
        """
        i, j = self._row[here], self._row[there]
        sizes_i, sizes_j = self._sizes[i], self._sizes[j]
        rest = np.minimum(sizes_i - self._place[here], sizes_j - self._place[there])
        possible = rest >= self._least_overlap(sizes_i, sizes_j)
        together = i[possible] * len(self._sizes) + j[possible]
        return np.divmod(distinct(together), len(self._sizes))

    def _least_overlap(self, sizes_i: Integers, sizes_j: Integers) -> npt.NDArray[np.floating[Any]]:
        share = self._threshold / (1 + self._threshold)
        least: npt.NDArray[np.floating[Any]] = share * (sizes_i + sizes_j) - _ROUNDING
        return least

    def _similar(self, i: Integers, j: Integers) -> Iterator[Pairs]:
        sizes = self._sizes[i] + self._sizes[j]
        differing = np.bitwise_count(self._bitmaps[i] ^ self._bitmaps[j]).sum(
            axis=1, dtype=np.int64
        )
        close = sizes - differing >= 2 * self._least_overlap(self._sizes[i], self._sizes[j])
        i, j, sizes = i[close], j[close], sizes[close]
        for part in _parts(self._sizes[i]):
            overlap = self._overlap(i[part], j[part])
            union = sizes[part] - overlap
            same = overlap >= self._threshold * union - _ROUNDING
            yield i[part][same], j[part][same], overlap[same] / union[same]

    def _overlap(self, i: Integers, j: Integers) -> Integers:
        """Members that the sets of each pair share: looks each of i's up among j's."""
        count = self._sizes[i]
        members = self._sets.items[np.repeat(self._sets.starts[i], count) + _counted(count)]
        asked = np.repeat(j, count) * self._stride + members
        at = np.minimum(np.searchsorted(self._keys, asked), len(self._keys) - 1)
        found = (self._keys[at] == asked).astype(np.int64)
        return np.add.reduceat(found, np.cumsum(count) - count)


def _parts(counts: Integers) -> Iterator[slice]:
    """Cut a list of work, so many elements each, into slices of about `_AT_ONCE` elements."""
    done = np.cumsum(counts)
    first = 0
    while first < len(counts):
        before = done[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(done, before + _AT_ONCE, side="right")))
        yield slice(first, last)
        first = last


def _counted(counts: Integers) -> Integers:
    """0, 1, … up to each count, one after another."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _bitmaps(sets: Sets) -> npt.NDArray[np.uint64]:
    """[sets, words]: a bit for each member, chosen by a multiplicative hash."""
    bitmaps = np.zeros((len(sets.sizes), _BITMAP_WORDS), np.uint64)
    filled = np.flatnonzero(sets.sizes)
    if not len(filled):
        return bitmaps
    mixed = (sets.items.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(48)
    bit = np.uint64(1) << (mixed & np.uint64(63))
    word = (mixed >> np.uint64(6)) % np.uint64(_BITMAP_WORDS)
    for number in range(_BITMAP_WORDS):
        bits = np.where(word == number, bit, np.uint64(0))
        bitmaps[filled, number] = np.bitwise_or.reduceat(bits, sets.starts[filled])
    return bitmaps
