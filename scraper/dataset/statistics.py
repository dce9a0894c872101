"""`dataset/statistics.json`: what the data set is made of, in figures.

Everything is counted over the kept records of all splits, but for `duplicates` and `steps`, which
also tell what was dropped. Nothing depends on the time or the machine: equal input gives equal
bytes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from urllib.parse import urlsplit

import regex
from pydantic import BaseModel

from onbrand.record import Record
from scraper.clean.rejected import StepCount
from scraper.clean.words import words
from scraper.dataset.split import Splits

BIN_EDGES = (0, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560)
"""Words. Each bin ends where the next begins; the last has no end."""
TOP = 20
"""Hashtags and emoji listed, at most."""
UNKNOWN = "unknown"
"""The language or year of a record that has none."""

_EMOJI = regex.compile(
    r"\p{Regional_Indicator}{2}"
    r"|[0-9#*]\uFE0F?\u20E3"
    r"|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F)"
    r"(?:\p{Emoji_Modifier}|\uFE0F)?(?:\u200D\p{Extended_Pictographic}\p{Emoji_Modifier}?\uFE0F?)*"
)
"""As a reader sees them: a flag, a keycap, a family of joined people each count as one."""


class Bin(BaseModel):
    """Records with at least `least` and fewer than `below` words (None: no end)."""

    least: int
    below: int | None
    records: int


class Lengths(BaseModel):
    """How long the texts are, in words or in characters."""

    total: int
    mean: float
    median: float
    shortest: int
    p5: int
    p95: int
    longest: int


class Part(BaseModel):
    """The records of one split, source, language or year."""

    records: int
    words: int
    groups: int
    """Near-duplicate groups among them."""


class Marks(BaseModel):
    """Hashtags or emoji."""

    records: int
    """Records that hold at least one."""
    record_share: float
    total: int
    distinct: int
    per_record: float
    top: dict[str, int]
    """The most frequent, at most 20, hashtags without `#` and letter case."""


class Duplicates(BaseModel):
    """What was dropped as a duplicate, and what is alike among the kept."""

    exact_dropped: int
    near_dropped: int
    grouped_records: int
    """Kept records that share a near-duplicate group with another."""
    shared_groups: int
    """Groups of more than one record."""
    largest_group: int


class Statistics(BaseModel):
    """The whole of `statistics.json`."""

    records: int
    groups: int
    first_published: str | None
    """ISO 8601, UTC; None where no record has a date."""
    last_published: str | None
    words: Lengths
    characters: Lengths
    word_histogram: list[Bin]
    by_split: dict[str, Part]
    by_source: dict[str, Part]
    by_language: dict[str, Part]
    by_year: dict[str, Part]
    sources_by_split: dict[str, dict[str, int]]
    hosts: dict[str, int]
    """Records per host of the website."""
    accounts: dict[str, int]
    """Posts per account."""
    hashtags: Marks
    emoji: Marks
    duplicates: Duplicates
    steps: list[StepCount]


def describe(splits: Splits, steps: Sequence[StepCount]) -> Statistics:
    """Count what is in the splits.

    Args:
        splits: the data set.
        steps: each cleaning step's balance, in order.
    """
    records = [record for part in splits.values() for record in part]
    length = {record.id: len(words(record.text)) for record in records}
    dates = sorted(record.published_at for record in records if record.published_at)

    def parts(key: Callable[[Record], str]) -> dict[str, Part]:
        return _parts(records, key, length)

    groups = Counter(record.group for record in records)
    shared = [size for size in groups.values() if size > 1]
    dropped = {step.step: sum(step.dropped.values()) for step in steps}
    return Statistics(
        records=len(records),
        groups=len(groups),
        first_published=dates[0] if dates else None,
        last_published=dates[-1] if dates else None,
        words=_lengths(list(length.values())),
        characters=_lengths([len(record.text) for record in records]),
        word_histogram=_histogram(list(length.values())),
        by_split={name: _part(part, length) for name, part in splits.items()},
        by_source=parts(lambda record: record.source),
        by_language=parts(lambda record: record.language or UNKNOWN),
        by_year=parts(_year),
        sources_by_split={
            name: _most_common(record.source for record in part) for name, part in splits.items()
        },
        hosts=_most_common(_host(record) for record in records if record.source == "website"),
        accounts=_most_common(record.author for record in records if record.author),
        hashtags=_marks([[tag.casefold() for tag in record.tags] for record in records]),
        emoji=_marks([_emoji(record.text) for record in records]),
        duplicates=Duplicates(
            exact_dropped=dropped.get("exact-duplicate", 0),
            near_dropped=dropped.get("near-duplicate", 0),
            grouped_records=sum(shared),
            shared_groups=len(shared),
            largest_group=max(groups.values(), default=0),
        ),
        steps=list(steps),
    )


def _parts(
    records: Iterable[Record], key: Callable[[Record], str], length: dict[str, int]
) -> dict[str, Part]:
    """The records by key, in the order of the keys."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(key(record), []).append(record)
    return {name: _part(found[name], length) for name in sorted(found)}


def _part(records: Sequence[Record], length: dict[str, int]) -> Part:
    return Part(
        records=len(records),
        words=sum(length[record.id] for record in records),
        groups=len({record.group for record in records}),
    )


def _lengths(lengths: Sequence[int]) -> Lengths:
    if not lengths:
        return Lengths(total=0, mean=0, median=0, shortest=0, p5=0, p95=0, longest=0)
    ranked = sorted(lengths)
    last = len(ranked) - 1
    return Lengths(
        total=sum(ranked),
        mean=round(sum(ranked) / len(ranked), 1),
        median=median(ranked),
        shortest=ranked[0],
        p5=ranked[round(0.05 * last)],
        p95=ranked[round(0.95 * last)],
        longest=ranked[-1],
    )


def _histogram(lengths: Sequence[int]) -> list[Bin]:
    ends = [*BIN_EDGES[1:], None]
    return [
        Bin(
            least=least,
            below=below,
            records=sum(
                least <= length and (below is None or length < below) for length in lengths
            ),
        )
        for least, below in zip(BIN_EDGES, ends, strict=True)
    ]


def _marks(found: Sequence[Sequence[str]]) -> Marks:
    """Count marks, given those of each record."""
    counts = Counter(mark for marks in found for mark in marks)
    holders = sum(bool(marks) for marks in found)
    size = max(len(found), 1)
    return Marks(
        records=holders,
        record_share=round(holders / size, 4),
        total=counts.total(),
        distinct=len(counts),
        per_record=round(counts.total() / size, 2),
        top=dict(_ranked(counts)[:TOP]),
    )


def _emoji(text: str) -> list[str]:
    """A text's emoji; the mark that asks for a coloured picture makes no other emoji."""
    return [found.replace("\ufe0f", "") for found in _EMOJI.findall(text)]


def _most_common(names: Iterable[str]) -> dict[str, int]:
    return dict(_ranked(Counter(names)))


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Most frequent first, equally frequent ones by name: the records' order decides nothing."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _year(record: Record) -> str:
    return record.published_at[:4] if record.published_at else UNKNOWN


def _host(record: Record) -> str:
    return urlsplit(record.url).netloc
