import json
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbrand.record import Record
from scraper.clean.rejected import StepCount
from scraper.clean.words import words
from scraper.dataset.statistics import Statistics, describe

MakeRecord = Callable[..., Record]


@pytest.fixture
def statistics(make_record: MakeRecord) -> Statistics:
    records = [
        make_record("One two three ☕☕ #Tea", source="instagram", author="brand", language="en",
                    published_at="2023-05-01T00:00:00+00:00", tags=["Tea"], group="a"),
        make_record("One two three four #tea", source="instagram", author="brand",
                    published_at="2021-05-01T00:00:00+00:00", tags=["tea", "Chai"], group="a"),
        make_record(" ".join(["word"] * 30), source="website", language="en", group="b",
                    url="https://brand.example/about"),
        make_record("چائے کا وقت ہے", source="facebook", author="other", language="ur", group="c",
                    published_at="2023-06-01T00:00:00+00:00"),
    ]  # fmt: skip
    steps = [
        StepCount(step="exact-duplicate", came_in={"file": 9}, changed={}, dropped={"file": 2}),
        StepCount(step="near-duplicate", came_in={"file": 7}, changed={}, dropped={"file": 3}),
    ]
    return describe({"train": records[:3], "validation": [], "test": records[3:]}, steps)


def test_what_is_counted(statistics: Statistics) -> None:
    assert (statistics.records, statistics.groups) == (4, 3)
    assert statistics.first_published == "2021-05-01T00:00:00+00:00"
    assert statistics.last_published == "2023-06-01T00:00:00+00:00"
    assert {name: part.records for name, part in statistics.by_split.items()} == {
        "train": 3, "validation": 0, "test": 1,
    }  # fmt: skip
    assert statistics.by_split["train"].groups == 2
    assert {name: part.records for name, part in statistics.by_language.items()} == {
        "en": 2, "unknown": 1, "ur": 1,
    }  # fmt: skip
    assert {name: part.records for name, part in statistics.by_year.items()} == {
        "2021": 1, "2023": 2, "unknown": 1,
    }  # fmt: skip
    assert statistics.sources_by_split["train"] == {"instagram": 2, "website": 1}
    assert statistics.hosts == {"brand.example": 1}
    assert statistics.accounts == {"brand": 2, "other": 1}
    assert statistics.words.longest == 30
    assert statistics.words.shortest == 4


def test_hashtags_emoji_and_duplicates(statistics: Statistics) -> None:
    assert statistics.hashtags.model_dump() == {
        "records": 2, "record_share": 0.5, "total": 3, "distinct": 2, "per_record": 0.75,
        "top": {"tea": 2, "chai": 1},
    }  # fmt: skip
    assert statistics.emoji.top == {"☕": 2}
    assert statistics.emoji.record_share == 0.25
    assert statistics.duplicates.model_dump() == {
        "exact_dropped": 2, "near_dropped": 3, "grouped_records": 2, "shared_groups": 1,
        "largest_group": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "emoji"),
    [
        ("plain 100% © ® ™ # * 7 :-) →", []),
        ("☕ ☕️", ["☕", "☕"]),
        ("❤️", ["❤"]),
        ("👍🏽", ["👍🏽"]),
        ("👨‍👩‍👧", ["👨‍👩‍👧"]),
        ("🇵🇰🇬🇧", ["🇵🇰", "🇬🇧"]),
        ("1️⃣", ["1⃣"]),
        ("🏴‍☠️", ["🏴‍☠"]),
        ("چائے☕", ["☕"]),
    ],
)
def test_an_emoji_is_what_a_reader_sees(
    text: str, emoji: list[str], make_record: MakeRecord
) -> None:
    found = describe({"train": [make_record(text)]}, []).emoji
    assert found.top == Counter(emoji)
    assert found.total == len(emoji)


@given(
    st.lists(
        st.tuples(
            st.text(max_size=80),
            st.sampled_from(["website", "facebook", "instagram", "file"]),
            st.sampled_from(["", "en", "ur"]),
            st.sampled_from([None, "2020-01-01T00:00:00+00:00", "2021-01-01T00:00:00+00:00"]),
        ),
        min_size=3,
        max_size=30,
    )
)
def test_the_parts_are_the_whole(rows: list[tuple[str, str, str, str | None]]) -> None:
    records = [
        Record.model_validate(
            {"id": f"{n}", "source": source, "url": f"https://x.example/{n}", "text": text,
             "language": language, "published_at": date, "group": f"{n // 2}"}
        )
        for n, (text, source, language, date) in enumerate(rows)
    ]  # fmt: skip
    found = describe({"train": records[2:], "validation": records[:1], "test": records[1:2]}, [])
    total = sum(len(words(record.text)) for record in records)
    assert found.words.total == total
    assert sum(found_bin.records for found_bin in found.word_histogram) == len(records)
    for parts in (found.by_split, found.by_source, found.by_language, found.by_year):
        assert sum(part.records for part in parts.values()) == len(records)
        assert sum(part.words for part in parts.values()) == total
    assert found.words.shortest <= found.words.p5 <= found.words.median
    assert found.words.median <= found.words.p95 <= found.words.longest
    assert Statistics.model_validate(json.loads(found.model_dump_json())) == found


def test_an_empty_data_set_has_statistics() -> None:
    found = describe({"train": [], "validation": [], "test": []}, [])
    assert (found.records, found.words.total, found.first_published) == (0, 0, None)
