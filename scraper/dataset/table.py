"""The splits as files: a DatasetDict on disk, or Parquet for the hub."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import datasets

from onbrand.errors import OnbrandError
from onbrand.record import Record
from scraper.dataset.split import Splits

COLUMNS: Mapping[str, str] = {
    "id": "Stable across runs: from the source and the place the text was found at",
    "source": "`website`, `facebook`, `instagram` or `file`",
    "url": "Where it was found; `file:` and the path for files",
    "title": "Of the page or file; empty for posts",
    "text": "What the brand wrote",
    "published_at": "ISO 8601, UTC; null where the source does not say",
    "language": "BCP 47; empty where that is not sure",
    "tags": "Hashtags without `#`, in the order of the text",
    "author": "The account that published it; empty for pages and files",
    "content_hash": "SHA-256 of `text`",
    "group": "Near-duplicate cluster: the `id` of its first record; never in two splits",
}
"""What each column holds; the same ones in `clean/records.jsonl`."""

_TEXT = datasets.Value("string")
FEATURES = datasets.Features(
    {name: datasets.List(_TEXT) if name == "tags" else _TEXT for name in COLUMNS}
)


def splits_hash(splits: Splits) -> str:
    """SHA-256 over the records' JSON lines, split by split; independent of Arrow's bytes."""
    lines = [f"{name} {record.model_dump_json()}" for name in splits for record in splits[name]]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def save(folder: Path, splits: Splits) -> None:
    """Write the splits as a DatasetDict (`datasets.load_from_disk(folder)`).

    Each split is one shard, also an empty one, which `datasets` would save without any file of
    rows and could not read back. Equal splits give equal bytes.
    """
    datasets.disable_progress_bars()
    tables = {name: table(name, splits[name]) for name in splits}
    datasets.DatasetDict(tables).save_to_disk(folder, num_shards=dict.fromkeys(tables, 1))


def load(folder: Path) -> Splits:
    """Read the splits back.

    Raises:
        OnbrandError: they cannot be read.
    """
    try:
        tables = datasets.load_from_disk(str(folder))
        return {name: [Record.model_validate(row) for row in tables[name]] for name in tables}
    except (OSError, ValueError) as error:
        raise OnbrandError(
            f"{folder} is not a data set that can be read; run `onbrand build --force`."
        ) from error


def table(name: str, records: list[Record]) -> datasets.Dataset:
    """One split, with its documented columns."""
    info = datasets.DatasetInfo(
        description="\n".join(f"{column}: {meaning}" for column, meaning in COLUMNS.items()),
        features=FEATURES,
    )
    columns = {column: [getattr(record, column) for record in records] for column in FEATURES}
    return datasets.Dataset.from_dict(columns, info=info, split=datasets.NamedSplit(name))
