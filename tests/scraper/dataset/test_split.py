import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbrand.config import Dataset
from onbrand.errors import OnbrandError
from onbrand.record import Record, record_id
from scraper.dataset.split import instant, split
from scraper.dataset.table import COLUMNS, FEATURES, save, splits_hash


def records_in(sizes: list[int]) -> list[Record]:
    """Records in groups of the given sizes."""
    return [
        Record(
            id=record_id("file", f"{group}-{n}"),
            source="file",
            url=f"file:{group}-{n}",
            text=f"text {group} {n} چائے",
            tags=["Tea"] * (n % 2),
            group=f"group {group}",
        )
        for group, size in enumerate(sizes)
        for n in range(size)
    ]


SIZES = st.lists(st.integers(1, 6), min_size=3, max_size=60)
SETTINGS = st.builds(
    Dataset,
    test_share=st.sampled_from([0.05, 0.1, 0.3]),
    validation_share=st.sampled_from([0.05, 0.1, 0.3]),
    seed=st.integers(0, 5),
)


@given(SIZES, SETTINGS)
def test_a_group_is_in_one_split_and_every_record_in_exactly_one(
    sizes: list[int], settings: Dataset
) -> None:
    records = records_in(sizes)
    splits = split(records, settings)
    assert list(splits) == ["train", "validation", "test"]
    placed = Counter(record.id for part in splits.values() for record in part)
    assert placed == Counter(record.id for record in records)
    groups = [{record.group for record in part} for part in splits.values()]
    assert all(groups)
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


@given(SIZES, SETTINGS)
def test_no_share_is_passed_by_more_than_the_one_group_it_must_have(
    sizes: list[int], settings: Dataset
) -> None:
    records = records_in(sizes)
    test = split(records, settings)["test"]
    assert len(test) <= max(round(settings.test_share * len(records)), min(sizes))


def test_the_shares_are_of_the_records_and_the_seed_decides() -> None:
    records = records_in([1] * 800 + [4] * 50)
    first = split(records, Dataset(seed=1))
    assert {name: len(part) for name, part in first.items()} == {
        "train": 810, "validation": 90, "test": 100,
    }  # fmt: skip
    assert split(records, Dataset(seed=1)) == first
    assert split(records, Dataset(seed=2)) != first


def test_new_records_move_few_old_ones() -> None:
    old = split(records_in([1] * 500), Dataset())
    new = split(records_in([1] * 520), Dataset())
    was_held_out = {record.id for record in old["test"]}
    still = {record.id for record in new["test"]}
    assert len(was_held_out & still) > 0.9 * len(was_held_out)


def test_a_share_of_zero_leaves_a_split_empty() -> None:
    splits = split(records_in([1, 1]), Dataset(validation_share=0.0))
    assert [len(part) for part in splits.values()] == [1, 0, 1]


@pytest.mark.parametrize("sizes", [[], [5], [5, 5]])
def test_too_few_groups_are_an_error(sizes: list[int]) -> None:
    with pytest.raises(OnbrandError, match=f"{len(sizes)} near-duplicate groups? are left"):
        split(records_in(sizes), Dataset())


def test_what_is_saved_can_be_loaded(tmp_path: Path) -> None:
    import datasets

    splits = split(records_in([1, 2, 3, 4]), Dataset())
    save(tmp_path / "set", splits)
    loaded = datasets.load_from_disk(str(tmp_path / "set"))
    assert list(loaded) == ["train", "validation", "test"]
    for name, part in splits.items():
        assert [Record.model_validate(row) for row in loaded[name]] == part
        assert loaded[name].column_names == list(Record.model_fields) == list(COLUMNS)
        assert loaded[name].features == FEATURES
        assert all(column in loaded[name].info.description for column in COLUMNS)


@pytest.mark.parametrize("shares", [(0.0, 0.1), (0.1, 0.0), (0.0, 0.0)])
def test_an_empty_split_can_be_loaded(tmp_path: Path, shares: tuple[float, float]) -> None:
    import datasets

    test_share, validation_share = shares
    settings = Dataset(test_share=test_share, validation_share=validation_share)
    splits = split(records_in([1, 2, 3, 4]), settings)
    save(tmp_path / "set", splits)
    whole = datasets.load_from_disk(str(tmp_path / "set"))
    assert any(not part for part in splits.values())
    for name, part in splits.items():
        alone = datasets.Dataset.load_from_disk(str(tmp_path / "set" / name))
        for loaded in (whole[name], alone):
            assert [Record.model_validate(row) for row in loaded] == part
            assert loaded.column_names == list(Record.model_fields)


def test_the_hash_is_over_the_content() -> None:
    records = records_in([1, 1, 1])
    splits = split(records, Dataset())
    changed = [record.model_copy(update={"text": "other"}) for record in records]
    assert splits_hash(splits) == splits_hash(split(records, Dataset()))
    assert splits_hash(splits) != splits_hash(split(changed, Dataset()))
    moved = {"train": splits["test"], "validation": splits["validation"], "test": splits["train"]}
    assert splits_hash(splits) != splits_hash(moved)


DAYS = st.one_of(st.none(), st.integers(0, 40))
DATED_SIZES = st.lists(st.lists(DAYS, min_size=1, max_size=5), min_size=3, max_size=50)


def dated(groups: list[list[int | None]]) -> list[Record]:
    """Groups of records, each given by the day it was published, if it has one."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return [
        record.model_copy(
            update={"published_at": None if day is None else (start + timedelta(day)).isoformat()}
        )
        for record, day in zip(
            records_in([len(group) for group in groups]), itertools.chain(*groups), strict=True
        )
    ]


def age(group: list[Record]) -> datetime | None:
    """Of the oldest member; None where one has no date."""
    dates = [instant(record.published_at) for record in group]
    return None if None in dates else min(date for date in dates if date)


def by_group(records: list[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.group, []).append(record)
    return found


@given(DATED_SIZES, SETTINGS)
def test_newest_holds_back_the_newest_groups_and_only_whole_dated_ones(
    groups: list[list[int | None]], settings: Dataset
) -> None:
    settings = settings.model_copy(update={"split": "newest"})
    records = dated(groups)
    if not any(None not in group for group in groups):
        with pytest.raises(OnbrandError, match="no near-duplicate group has a date"):
            split(records, settings)
        return
    splits = split(records, settings)
    placed = Counter(record.id for part in splits.values() for record in part)
    assert placed == Counter(record.id for record in records)
    names = [set(by_group(part)) for part in splits.values()]
    assert all(names)
    assert not any(a & b for a, b in itertools.combinations(names, 2))
    test_ages = [age(group) for group in by_group(splits["test"]).values()]
    assert None not in test_ages
    oldest = min(date for date in test_ages if date)
    for part in ("train", "validation"):
        for group in by_group(splits[part]).values():
            date = age(group)
            assert date is None or date <= oldest
    # The share is met but for the group that no longer fits.
    with_a_date = [r for group in by_group(records).values() if age(group) for r in group]
    room = round(settings.test_share * len(with_a_date))
    size = len(splits["test"])
    waiting = [g for p in ("train", "validation") for g in by_group(splits[p]).values() if age(g)]
    assert size <= room or len(by_group(splits["test"])) == 1
    if waiting and len(by_group(records)) - len(by_group(splits["test"])) > 2:
        newest = max(date for group in waiting if (date := age(group)))
        assert size + max(len(group) for group in waiting if age(group) == newest) > room


@given(DATED_SIZES, SETTINGS, st.sampled_from(["random", "newest"]), st.randoms())
def test_neither_the_order_nor_the_run_changes_a_split(
    groups: list[list[int | None]], settings: Dataset, rule: str, chance: random.Random
) -> None:
    settings = settings.model_copy(update={"split": rule})
    records = dated([*groups, [3], [4], [5]])
    shuffled = chance.sample(records, len(records))
    first, second = split(records, settings), split(shuffled, settings)
    assert split(records, settings) == first
    for name in first:
        assert {r.id for r in first[name]} == {r.id for r in second[name]}
        assert [r for r in records if r in first[name]] == first[name]


def test_a_group_with_an_old_member_is_in_training() -> None:
    """What nearly repeats an old text is no news, and would be known from training."""
    records = dated([[day] for day in range(90)] + [[5, 99], [None, 99], [95, 96]])
    splits = split(records, Dataset(split="newest", test_share=0.05, validation_share=0.0))
    groups = {name: set(by_group(part)) for name, part in splits.items()}
    assert groups["test"] == {"group 89", "group 88", "group 87", "group 92"}
    assert {"group 90", "group 91"} <= groups["train"]


def test_undated_records_do_not_count_for_the_share_of_the_newest() -> None:
    """Or ten posts in each hundred undated pages would all be test, and none left to train on."""
    records = dated([[None]] * 180 + [[day] for day in range(20)])
    splits = split(records, Dataset(split="newest"))
    assert splits["test"] == records[198:]
    assert len(splits["validation"]) == 20  # of the 198 left, with a date or not
    in_training = sum(record.published_at is not None for record in splits["train"])
    assert in_training > len(splits["test"])


def test_a_single_dated_record_is_test() -> None:
    records = dated([[None]] * 9 + [[1]])
    assert split(records, Dataset(split="newest"))["test"] == records[9:]


def test_the_seed_draws_validation_alone_when_test_is_the_newest() -> None:
    records = dated([[day] for day in range(200)])
    one, other = (split(records, Dataset(split="newest", seed=seed)) for seed in (1, 2))
    assert one["test"] == other["test"] == records[180:]
    assert one["validation"] != other["validation"]
    assert len(one["validation"]) == 18


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2024-01-02T00:00:00+00:00", "2024-01-02T00:00:00+00:00"),
        ("2024-01-02T01:00:00+05:00", "2024-01-01T20:00:00+00:00"),
        ("2024-01-02", "2024-01-02T00:00:00+00:00"),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_compared_as_points_in_time(date: str | None, expected: str | None) -> None:
    found = instant(date)
    assert (found and found.astimezone(UTC).isoformat()) == expected
