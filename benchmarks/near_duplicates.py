"""Near-duplicate grouping of many short posts: time, memory, precision, recall.

    python benchmarks/near_duplicates.py [--posts 100000] [--seed 7]

The posts are invented from a seed, and hard on purpose: few words make up most of the text (Zipf),
most posts share an opening, a closing sentence and a block of hashtags with thousands of others, a
tenth have under eight words, and a twentieth belong to series that differ in a few words. Pairs of
known similarity around the threshold are planted among them. Side by side in the same run, and on
the same posts, datasketch's MinHash LSH finds pairs, where it is installed (`pip install
datasketch`). Aims at 100,000 posts: 60 s, 2 GiB, precision 0.99, recall 0.98.
"""

import argparse
import importlib.util
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

THRESHOLD = 0.7
_LETTERS = ("b", "ch", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "aa", "ee", "ia")

Pair = tuple[int, int]
_Any = TypeVar("_Any")


@dataclass
class Corpus:
    """Posts, and the pairs planted among them with their similarity."""

    posts: list[str]
    planted: dict[Pair, float]


def shingles(text: str) -> set[tuple[str, ...]]:
    """Word 3-grams; a text of fewer words is one."""
    words = text.replace("#", " ").split()
    return {tuple(words[n : n + 3]) for n in range(max(1, len(words) - 2))}


def jaccard(one: str, other: str) -> float:
    """Similarity of two posts, computed apart from the code that is measured."""
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def corpus(count: int, seed: int) -> Corpus:
    """Invent posts; a twentieth has a planted counterpart at a similarity of 0.55 to 1."""
    chance = random.Random(seed)
    vocabulary = _vocabulary(chance, 30_000)
    weights = [1 / (rank + 5) for rank in range(len(vocabulary))]
    speak = _speaker(chance, vocabulary, weights)
    openings = [speak(chance.randint(3, 8)) for _ in range(200)]
    closings = [speak(chance.randint(5, 14)) for _ in range(100)]
    tags = [" ".join(f"#{speak(1)}" for _ in range(chance.randint(4, 12))) for _ in range(150)]

    series = [[speak(chance.randint(8, 20)) for _ in range(2)] for _ in range(40)]

    def post() -> str:
        kind = chance.random()
        if kind < 0.1:
            return speak(chance.randint(2, 7))
        if kind < 0.15:
            return (
                speak(chance.randint(1, 4))
                .join(f" {part} " for part in _often(chance, series))
                .strip()
            )
        parts = [speak(chance.randint(6, 30))]
        if chance.random() < 0.6:
            parts.insert(0, _often(chance, openings))
        if chance.random() < 0.7:
            parts.append(_often(chance, closings))
        if chance.random() < 0.8:
            parts.append(_often(chance, tags))
        return " ".join(parts)

    planted_count = count // 20
    posts = [post() for _ in range(count - planted_count)]
    planted: dict[Pair, float] = {}
    originals = chance.sample(range(len(posts)), planted_count)
    for number, original in enumerate(originals):
        copy = _altered(chance, posts[original], number)
        planted[original, len(posts)] = jaccard(posts[original], copy)
        posts.append(copy)
    places = list(range(count))
    chance.shuffle(places)
    shuffled = [""] * count
    for place, text in zip(places, posts, strict=True):
        shuffled[place] = text
    return Corpus(
        shuffled,
        {
            (min(places[i], places[j]), max(places[i], places[j])): similarity
            for (i, j), similarity in planted.items()
        },
    )


def _vocabulary(chance: random.Random, size: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < size:
        syllables = range(chance.randint(1, 4))
        word = "".join(chance.choice(_LETTERS) + chance.choice(_VOWELS) for _ in syllables)
        found[word] = None
    return list(found)


def _speaker(
    chance: random.Random, vocabulary: list[str], weights: list[float]
) -> Callable[[int], str]:
    def supply() -> Iterator[str]:
        while True:
            yield from chance.choices(vocabulary, weights, k=100_000)

    stock = supply()
    return lambda count: " ".join(next(stock) for _ in range(count))


def _often(chance: random.Random, phrases: list[_Any]) -> _Any:
    """One of the phrases; the first ones much more often."""
    return phrases[int(len(phrases) * chance.random() ** 3)]


def _altered(chance: random.Random, text: str, number: int) -> str:
    """The text with words changed until a similarity drawn from 0.55 to 1 is reached."""
    target = chance.uniform(0.55, 1.0)
    words = text.split()
    for step in chance.sample(range(len(words)), len(words)):
        changed = [*words[:step], f"neu{number}x{step}", *words[step + 1 :]]
        if jaccard(text, " ".join(changed)) < target:
            break
        words = changed
    return " ".join(words)


def ours(posts: list[str], planted: set[Pair]) -> tuple[float, set[Pair]]:
    """Seconds for the whole step, and the pairs it finds (found apart from that time).

    What the step itself made of the planted pairs is printed.
    """
    from onbrand.record import Record
    from scraper.clean.near_duplicates import group_near_duplicates
    from scraper.clean.rejected import Sieve
    from scraper.clean.similarity import Join, views

    records = [
        Record(id=str(n), source="instagram", url=str(n), text=text) for n, text in enumerate(posts)
    ]
    started = time.perf_counter()
    sieve = Sieve()
    kept = group_near_duplicates(records, THRESHOLD, sieve)
    seconds = time.perf_counter() - started
    print(f"  peak {_peak():.2f} GiB in the step")
    group = {int(record.id): record.group for record in kept}
    print(f"  {len(sieve.rejected)} dropped, {len(kept)} kept in {len(set(group.values()))} groups")
    _show_groups(posts, planted, group, {int(r.record.id): r.lost_against for r in sieve.rejected})
    found = {
        (min(i, j), max(i, j))
        for view in views(posts)[:1]
        for block in Join(view, THRESHOLD).pairs(0, len(posts))
        for i, j in zip(block[0].tolist(), block[1].tolist(), strict=True)
    }
    apart = sum(group[i] != group[j] for i, j in found if i in group and j in group)
    print(f"  {apart} pairs of kept posts at or above the threshold stand in two groups")
    return seconds, found


def _show_groups(
    posts: list[str], planted: set[Pair], group: dict[int, str], winner: dict[int, str]
) -> None:
    """How many planted pairs the step keeps on one side, and how alike its groups are."""

    def ends(post: int) -> str:
        while post in winner:
            post = int(winner[post])
        return group[post]

    together = sum(ends(i) == ends(j) for i, j in planted)
    print(f"  grouping: recall {together / len(planted):.4f} (dropped, or in one group)")
    members: dict[str, list[int]] = {}
    for post, name in group.items():
        members.setdefault(name, []).append(post)
    pairs = [pair for posts_ in members.values() for pair in combinations(posts_, 2)]
    sample = random.Random(1).sample(pairs, min(len(pairs), 100_000))
    alike = sum(jaccard(posts[i], posts[j]) >= THRESHOLD - 1e-9 for i, j in sample)
    print(
        f"  {alike / max(1, len(sample)):.2f} of the {len(pairs)} pairs within a group are that "
        "alike themselves; the others are joined by a third, as a split without leaks needs"
    )


def datasketch_lsh(posts: list[str], _: set[Pair]) -> tuple[float, set[Pair]]:
    """Seconds for signatures, index and queries with 128 permutations, and the pairs."""
    from datasketch import MinHash, MinHashLSH

    started = time.perf_counter()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    found: set[Pair] = set()
    data = ([" ".join(gram).encode() for gram in shingles(text)] for text in posts)
    for number, signature in enumerate(MinHash.generator(data, num_perm=128)):
        found.update((other, number) for other in index.query(signature))
        index.insert(number, signature, check_duplication=False)
    return time.perf_counter() - started, found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _measured(
    name: str,
    method: Callable[[list[str], set[Pair]], tuple[float, set[Pair]]],
    made: Corpus,
    out: object,
) -> None:
    before = _peak()
    true = {pair for pair, similarity in made.planted.items() if similarity >= THRESHOLD - 1e-9}
    seconds, found = method(made.posts, true)
    peak = _peak()
    right = sum(jaccard(made.posts[i], made.posts[j]) >= THRESHOLD - 1e-9 for i, j in found)
    precision = right / max(1, len(found))
    recall = len(true & found) / len(true)
    print(
        f"{name}: {seconds:.1f} s, peak {peak:.2f} GiB ({before:.2f} before), {len(found)} pairs, "
        f"precision {precision:.4f}, recall {recall:.4f} of {len(true)} planted; "
        f"{len(made.planted) - len(true)} planted below the threshold, "
        f"{len(found & made.planted.keys() - true)} of them found",
        flush=True,
    )
    out.put(seconds)  # type: ignore[attr-defined]


def main() -> None:
    """Generate, run each method in a process of its own, print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--posts", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args()
    made = corpus(asked.posts, asked.seed)
    words = sum(len(post.split()) for post in made.posts) / len(made.posts)
    print(f"{len(made.posts)} posts of {words:.0f} words, seed {asked.seed}")
    methods = {"onbrand": ours}
    if importlib.util.find_spec("datasketch"):
        methods["datasketch MinHashLSH"] = datasketch_lsh
    context = multiprocessing.get_context("fork")
    seconds = []
    for name, method in methods.items():
        queue = context.Queue()
        process = context.Process(target=_measured, args=(name, method, made, queue))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(f"{name} failed")
        seconds.append(queue.get())
    if len(seconds) > 1:
        print(f"datasketch takes {seconds[1] / seconds[0]:.2f} times as long")


if __name__ == "__main__":
    main()
