"""The data set as evaluation reads it: the test split, and what training saw."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Dataset

from onbrand.errors import OnbrandError
from onbrand.record import Source


@dataclass(frozen=True)
class HeldOutText:
    """One row of the data set, as far as evaluation needs it."""

    id: str
    source: Source
    title: str
    text: str
    group: str = ""
    """Cluster of near duplicates that it belongs to; empty: it is one by itself."""


def read_held_out(dataset: Path, max_samples: int, seed: int) -> list[HeldOutText]:
    """Read the test split; at most `max_samples` rows, chosen by `seed`, in the split's order.

    Raises:
        OnbrandError: there is no data set, it cannot be read, or its test split is empty.
    """
    rows = _read(dataset, "test")
    if len(rows) == 0:
        raise OnbrandError(
            f"The test split of {dataset} is empty, so there is nothing to measure on; "
            "add texts or raise dataset.test_share in brand.toml, then run `onbrand build` again."
        )
    chosen: Sequence[int] = range(len(rows))
    if len(rows) > max_samples:
        chosen = sorted(random.Random(seed).sample(chosen, max_samples))
    return [rows[index] for index in chosen]


def read_training(dataset: Path) -> list[HeldOutText]:
    """Read what training saw: the training split, and validation, which chose the checkpoint.

    Raises:
        OnbrandError: as `read_held_out`; an empty split is none of its errors.
    """
    return [
        text
        for split in ("train", "validation")
        if split == "train" or (dataset / split).is_dir()
        for text in _read(dataset, split)
    ]


def _read(dataset: Path, split: str) -> list[HeldOutText]:
    try:
        rows = Dataset.load_from_disk(str(dataset / split))
    except IndexError:
        # An empty split is saved without any file of rows, which `datasets` cannot read back.
        rows = []
    except (OSError, ValueError) as error:
        raise OnbrandError(
            f"{dataset} is not a data set that can be read; run `onbrand build` first."
        ) from error
    return [
        HeldOutText(row["id"], row["source"], row["title"] or "", row["text"], row["group"] or "")
        for row in rows
    ]
