from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbrand.config import BrandConfig, Dataset
from onbrand.errors import OnbrandError
from onbrand.record import Record, record_id
from scraper.card import card
from scraper.dataset import save, split, splits_hash


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
    with pytest.raises(OnbrandError, match=f"{len(sizes)} near-duplicate groups are left"):
        split(records_in(sizes), Dataset())


def test_what_is_saved_can_be_loaded(tmp_path: Path) -> None:
    import datasets

    config = BrandConfig.model_validate({"brand": {"name": "Saltmarsh"}})
    splits = split(records_in([1, 2, 3, 4]), Dataset())
    save(tmp_path / "set", splits, card(splits, config))
    loaded = datasets.load_from_disk(str(tmp_path / "set"))
    assert list(loaded) == ["train", "validation", "test"]
    for name, part in splits.items():
        assert [Record.model_validate(row) for row in loaded[name]] == part
        assert loaded[name].column_names == list(Record.model_fields)
    readme = (tmp_path / "set" / "README.md").read_text(encoding="utf-8")
    assert "belong to Saltmarsh" in readme
    assert f"| train | {len(splits['train'])} |" in readme


@pytest.mark.parametrize("shares", [(0.0, 0.1), (0.1, 0.0), (0.0, 0.0)])
def test_an_empty_split_can_be_loaded(tmp_path: Path, shares: tuple[float, float]) -> None:
    import datasets

    config = BrandConfig.model_validate({"brand": {"name": "Saltmarsh"}})
    test_share, validation_share = shares
    settings = Dataset(test_share=test_share, validation_share=validation_share)
    splits = split(records_in([1, 2, 3, 4]), settings)
    save(tmp_path / "set", splits, card(splits, config))
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
