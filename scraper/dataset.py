"""Train, validation and test: a Hugging Face DatasetDict in which no near-duplicates are parted."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import datasets

from onbrand.config import Dataset as Settings
from onbrand.errors import OnbrandError
from onbrand.record import Record

Splits = dict[str, list[Record]]
"""`train`, `validation` and `test`, in that order."""

_TEXT = datasets.Value("string")
FEATURES = datasets.Features(
    {
        name: datasets.List(_TEXT) if name == "tags" else _TEXT
        for name in Record.model_fields  # every field but the tags is a string (or null)
    }
)


def split(records: Sequence[Record], settings: Settings) -> Splits:
    """Split by group: groups in the order of a hash of seed and name fill test, then validation.

    A share is of the records (validation's of those that test leaves) and is passed by no group; a
    split whose share is not 0 gets at least one group, the smallest where none fits. A group's
    place in the order depends on the seed and its name alone, so new records move few old ones.

    Raises:
        OnbrandError: a split that was asked for would be empty.
    """
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.group].append(record)
    held_out = [settings.test_share, settings.validation_share]
    needed = 1 + sum(share > 0 for share in held_out)
    if len(groups) < needed:
        raise OnbrandError(
            f"The data set would have an empty split: {len(records)} records in {len(groups)} "
            f"near-duplicate groups are left after cleaning, and {needed} groups are needed"
        )
    waiting = sorted(groups, key=lambda name: _digest(f"{settings.seed} {name}"))
    test = _take(waiting, groups, settings.test_share, leave=needed - 1)
    validation = _take(waiting, groups, settings.validation_share, leave=1)
    chosen = {"train": waiting, "validation": validation, "test": test}
    place = {record.id: number for number, record in enumerate(records)}
    return {
        name: sorted((r for group in names for r in groups[group]), key=lambda r: place[r.id])
        for name, names in chosen.items()
    }


def _take(
    waiting: list[str], groups: dict[str, list[Record]], share: float, *, leave: int
) -> list[str]:
    """Move groups out of `waiting` until they hold the share of its records or `leave` are left."""
    room = round(share * sum(len(groups[name]) for name in waiting))
    taken: list[str] = []
    for name in waiting:
        if len(groups[name]) <= room and len(waiting) - len(taken) > leave:
            taken.append(name)
            room -= len(groups[name])
    if share > 0 and not taken:
        taken = [min(waiting, key=lambda name: len(groups[name]))]
    waiting[:] = [name for name in waiting if name not in set(taken)]
    return taken


def splits_hash(splits: Splits) -> str:
    """SHA-256 over the records' JSON lines, split by split; independent of Arrow's bytes."""
    lines = [f"{name} {record.model_dump_json()}" for name in splits for record in splits[name]]
    return _digest("\n".join(lines))


def save(folder: Path, splits: Splits, card: str) -> None:
    """Write the splits as a DatasetDict (`datasets.load_from_disk(folder)`) with its card.

    Each split is one shard, also an empty one, which `datasets` would save without any file of
    rows and could not read back.
    """
    datasets.disable_progress_bars()
    tables = {
        name: datasets.Dataset.from_dict(
            {column: [getattr(record, column) for record in records] for column in FEATURES},
            features=FEATURES,
        )
        for name, records in splits.items()
    }
    datasets.DatasetDict(tables).save_to_disk(folder, num_shards=dict.fromkeys(tables, 1))
    (folder / "README.md").write_text(card, encoding="utf-8")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
