import random
from collections.abc import Callable

from onbrand.config import Clean
from onbrand.record import Record
from scraper.clean.near_duplicates import group_near_duplicates
from scraper.clean.pipeline import clean
from scraper.clean.rejected import Sieve

MakeRecord = Callable[..., Record]

LONG = [f"word{n}" for n in range(60)]


def variant(changes: int) -> str:
    """A text whose last words differ: of 58 3-grams all but `changes` stay."""
    return " ".join(LONG[: 60 - changes] + [f"new{changes}{n}" for n in range(changes)])


def test_the_nearly_same_go_and_the_similar_share_a_group(make_record: MakeRecord) -> None:
    records = [
        make_record(variant(0), "a"),
        make_record(variant(1), "b"),  # 57 of 59: the same text
        make_record(variant(8), "c"),  # 50 of 66: a near-duplicate
        make_record(variant(40), "d"),  # something else
    ]
    sieve = Sieve()
    kept = group_near_duplicates(records, 0.7, sieve)
    # The longest of the nearly same is kept.
    longest = max(records[:2], key=lambda record: len(record.text))
    (dropped,) = sieve.rejected
    assert dropped.step == "near-duplicate"
    assert longest.id in dropped.reason
    assert dropped.lost_against == longest.id
    assert [record.url for record in kept] == [longest.url, "file:c", "file:d"]
    assert [record.group for record in kept] == [kept[0].id, kept[0].id, kept[2].id]


def test_groups_are_connected_components(make_record: MakeRecord) -> None:
    texts = [" ".join(f"w{n}" for n in range(start, start + 60)) for start in (0, 8, 16, 200)]
    kept = group_near_duplicates([make_record(t, t[:9]) for t in texts], 0.7, Sieve())
    assert [record.group for record in kept] == [kept[0].id] * 3 + [kept[3].id]


def test_the_result_does_not_depend_on_the_order(make_record: MakeRecord) -> None:
    random.seed(3)
    texts = [variant(n) for n in (0, 1, 2, 8, 9, 30, 30, 50)] + [
        "too short",
        "",
        "Same here now ok",
    ]
    records = [make_record(text, f"f{n}.txt") for n, text in enumerate(texts)]
    records += [
        make_record(text, url=f"https://x.invalid/{n}", source="facebook", author="b")
        for n, text in enumerate(texts)
    ]
    expected = clean(records, Clean(), [], [])
    assert {r.step for r in expected.rejected} == {
        "no-text", "too-short", "exact-duplicate", "near-duplicate",
    }  # fmt: skip
    for _ in range(5):
        random.shuffle(records)
        again = clean(records, Clean(), [], [])
        assert again.records == expected.records
        assert again.rejected == expected.rejected


def test_every_record_is_kept_or_rejected_with_its_reason(make_record: MakeRecord) -> None:
    records = [make_record(variant(n % 7), f"{n}") for n in range(20)] + [make_record("", "e")]
    result = clean(records, Clean(), [], [])
    assert len(result.records) + len(result.rejected) == len(records)
    assert all(rejected.reason for rejected in result.rejected)
    counts = result.counts()
    assert counts["in.file"] == 21
    assert counts["kept"] + sum(n for k, n in counts.items() if k.startswith("dropped.")) == 21


def test_contact_data_is_masked_in_what_is_kept_and_in_what_is_dropped(
    make_record: MakeRecord,
) -> None:
    text = "Write to us at tea@brand.example today please"
    records = [make_record(text, "a"), make_record(text, "b")]
    result = clean(records, Clean(), [], [])
    assert "[email]" in result.records[0].text
    assert "[email]" in result.rejected[0].record.text
    kept = clean(records, Clean(contact="keep"), [], [])
    assert kept.records[0].text == text
