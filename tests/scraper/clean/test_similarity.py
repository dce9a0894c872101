"""The exact join against brute force, written independently of it."""

import itertools
import time
from collections import Counter
from collections.abc import Set as AbstractSet

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.near_duplicates import corpus, shingles
from onbrand.record import Record
from scraper.clean.near_duplicates import group_near_duplicates
from scraper.clean.rejected import Sieve
from scraper.clean.shingles import Sets, character_shingles, word_shingles
from scraper.clean.similarity import Join, views
from scraper.clean.words import prose, words


def jaccard(a: AbstractSet[object], b: AbstractSet[object]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0


SETS = st.lists(st.frozensets(st.integers(0, 11), max_size=10), max_size=25)


def as_sets(sets: list[frozenset[int]]) -> Sets:
    starts = np.cumsum([0, *map(len, sets)])
    items = [item for members in sets for item in sorted(members)]
    return Sets(starts.astype(np.int64), np.array(items, np.int64))


def joined(sets: Sets, threshold: float) -> dict[tuple[int, int], float]:
    blocks = Join(sets, threshold).pairs(0, len(sets.sizes))
    return {
        (j, i): similarity
        for block in blocks
        for i, j, similarity in zip(*(part.tolist() for part in block), strict=True)
    }


def similar_pairs(texts: list[str], threshold: float) -> dict[tuple[int, int], float]:
    """Pairs similar in any view, with the greatest similarity."""
    found = [joined(view, threshold) for view in views(texts)]
    return {pair: max(view.get(pair, 0.0) for view in found) for view in found for pair in view}


@given(SETS, st.sampled_from([0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0]))
def test_the_join_finds_exactly_the_pairs_that_brute_force_finds(
    sets: list[frozenset[int]], threshold: float
) -> None:
    expected = {
        (i, j): jaccard(sets[i], sets[j])
        for i, j in itertools.combinations(range(len(sets)), 2)
        if sets[i] and sets[j] and jaccard(sets[i], sets[j]) >= threshold - 1e-9
    }
    assert joined(as_sets(sets), threshold) == expected


@given(SETS, st.integers(0, 25), st.integers(0, 25))
def test_blocks_and_forgotten_rows(sets: list[frozenset[int]], cut: int, gone: int) -> None:
    """Two blocks find what one finds; a forgotten row is in no pair, and nothing else is lost."""
    whole = joined(as_sets(sets), 0.5)
    join = Join(as_sets(sets), 0.5)
    halves = [*join.pairs(0, min(cut, len(sets))), *join.pairs(cut, len(sets))]
    assert {(j, i) for a, b, _ in halves for i, j in zip(a, b, strict=True)} == set(whole)
    forget = np.arange(len(sets)) == gone
    join.forget(forget)
    left = {(j, i) for a, b, _ in join.pairs(0, len(sets)) for i, j in zip(a, b, strict=True)}
    assert left == {pair for pair in whole if gone not in pair}


@given(SETS, st.sampled_from([0.3, 0.5, 0.7, 1.0]), st.lists(st.integers(0, 24), max_size=4))
def test_components_are_those_of_the_pairs(
    sets: list[frozenset[int]], threshold: float, before: list[int]
) -> None:
    """Also where some rows were connected before."""
    together = sorted({row for row in before if row < len(sets)})
    labels = np.arange(len(sets))
    labels[together] = together[0] if together else 0
    edges = [*joined(as_sets(sets), threshold), *itertools.pairwise(together)]
    component = {row: {row} for row in range(len(sets))}
    for i, j in edges:
        component[i] |= component[j]
        for row in component[i]:
            component[row] = component[i]
    expected = [min(component[row]) for row in range(len(sets))]
    assert Join(as_sets(sets), threshold).connected(labels).tolist() == expected


@given(st.lists(st.lists(st.sampled_from(["ab", "c", "d.", "E!"]), max_size=12), max_size=8))
def test_no_pair_with_similar_3_grams_is_missed(texts: list[list[str]]) -> None:
    """Whether words are told apart by white space or by letters, and whatever their case."""
    import re

    written = [" ".join(text) for text in texts]
    found = similar_pairs(written, 0.7)
    for tokenise in (lambda t: t.lower().split(), lambda t: re.findall(r"\w+", t.lower())):
        tokens = [tokenise(text) for text in written]
        sets = [set(zip(t, t[1:], t[2:], strict=False)) for t in tokens]
        for i, j in itertools.combinations(range(len(sets)), 2):
            if sets[i] and sets[j] and jaccard(sets[i], sets[j]) >= 0.7:
                assert (i, j) in found


def test_short_texts_are_compared_by_characters() -> None:
    texts = ["Happy Eid to all chai lovers!", "Happy Eid to all chai lover!", "Something else"]
    assert list(similar_pairs(texts, 0.7)) == [(0, 1)]


@pytest.mark.parametrize("length", [1, 3, 5])
@given(texts=st.lists(st.text("ab☕", max_size=9), max_size=9))
def test_shingles_are_the_runs(length: int, texts: list[str]) -> None:
    """Equal runs have equal numbers and others have not: the sets overlap as the runs do."""
    runs = [{t[n : n + length] for n in range(max(1, len(t) - length + 1)) if t} for t in texts]
    for sets in (character_shingles(texts, length), word_shingles(texts, length)):
        members = [
            set(sets.items[a:b].tolist()) for a, b in itertools.pairwise(sets.starts.tolist())
        ]
        assert [len(found) for found in members] == [len(found) for found in runs]
        for i, j in itertools.combinations(range(len(texts)), 2):
            assert len(members[i] & members[j]) == len(runs[i] & runs[j])
        holders = [sum(item in found for found in members) for item in range(len(set(sets.items)))]
        assert holders == sorted(holders), "the rarest come first"


def test_shingles_of_a_vocabulary_too_large_for_one_number() -> None:
    rare = [chr(0x10FFFF - n) * 2 + chr(0x10F000 + n) * 2 for n in range(50)]
    sets = character_shingles([*rare, rare[7]], 4)
    assert sets.sizes.tolist() == [1] * 51
    assert len(set(sets.items[:50].tolist())) == 50
    assert sets.items[50] == sets.items[7]


def overlaps(texts: list[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """All pairs by matrix multiplication: [texts, texts] overlaps, [texts] sizes, of 3-grams."""
    grams = [shingles(text) for text in texts]
    holders = Counter(gram for found in grams for gram in found)
    columns = {gram: n for n, gram in enumerate(gram for gram in holders if holders[gram] > 1)}
    result = np.zeros((len(texts), len(texts)), np.float32)
    for first in range(0, len(columns), 2000):
        part = np.zeros((len(texts), 2000), np.float32)
        for row, found in enumerate(grams):
            for gram in found:
                if first <= columns.get(gram, -1) < first + 2000:
                    part[row, columns[gram] - first] = 1
        result += part @ part.T
    return result, np.array([len(found) for found in grams], np.float32)


@pytest.mark.slow
def test_5000_posts_against_brute_force() -> None:
    """The posts of the benchmark: shared openings, closings and hashtags, series, short posts."""
    texts = corpus(5_000, seed=3).posts
    overlap, sizes = overlaps(texts)
    similarity = overlap / (sizes[:, None] + sizes - overlap)
    true = {(i, j) for i, j in np.argwhere(np.triu(similarity >= 0.7 - 1e-6, 1)).tolist()}
    assert len(true) > 1_000
    by_words = views(texts)[0]
    assert set(joined(by_words, 0.7)) == true

    records = [Record(id=str(n), source="file", url="", text=text) for n, text in enumerate(texts)]
    sieve = Sieve()
    kept = group_near_duplicates(records, 0.7, sieve)
    group = {int(record.id): record.group for record in kept}
    assert len(kept) + len(sieve.rejected) == len(texts)
    near = {(i, j) for i, j in true if i in group and j in group}
    assert len(near) > 100
    assert all(group[i] == group[j] for i, j in near)
    assert all(similarity[i, j] < 0.9 for i, j in near)


@pytest.mark.slow
@pytest.mark.parametrize(("tail", "kept"), [(80, 1), (7, 10_000)], ids=["repeats", "relatives"])
def test_a_family_of_ten_thousand_takes_no_square_of_comparisons(tail: int, kept: int) -> None:
    end = " ".join(f"w{n}" for n in range(tail))
    texts = [f"this is number {n} of the same thing {end}" for n in range(10_000)]
    records = [Record(id=str(n), source="file", url="", text=text) for n, text in enumerate(texts)]
    started = time.monotonic()
    found = group_near_duplicates(records, 0.5, Sieve())
    assert time.monotonic() - started < 60
    assert len({record.group for record in found}) == 1
    assert len(found) == kept


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Two words", 2),
        ("don't stop", 3),
        ("چائے کا وقت", 3),
        ("हिन्दी में चाय", 3),
        ("お茶の時間", 5),
        ("☕ 🎉 — …", 0),
        ("20 g of tea", 4),
        ("", 0),
    ],
)
def test_words_in_any_script(text: str, count: int) -> None:
    assert len(words(text)) == count


def test_prose_leaves_out_what_is_no_prose() -> None:
    text = "Sip it #TapalDanedar @tapal.tea https://x.invalid/a [phone] [email] now #چائے"
    assert words(prose(text)) == ["sip", "it", "now"]
    assert words(prose("#Tea.Great #1 cup (#चाय)")) == ["great", "1", "cup"]
