"""`Record`: the one thing that flows from the scraper into a data set."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from onbrand.errors import OnbrandError
from onbrand.json_lines import read_json_lines, write_json_lines

Source = Literal["website", "facebook", "instagram", "file"]


class Record(BaseModel):
    """One text a brand published: a page, a post, or a file.

    `group` is the near-duplicate cluster the record belongs to; a group never crosses the border
    between train, validation and test.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    """Stable across runs: made from `source` and where the text was found."""
    source: Source
    url: str
    """Where a person can read it; a `file:` URL for files."""
    title: str = ""
    text: str
    published_at: str | None = None
    """ISO 8601 with offset, UTC; None when the source does not say."""
    language: str = ""
    """BCP 47 tag such as `en` or `ur-Latn`, or empty when undecided."""
    tags: list[str] = []
    """Hashtags without `#`, in the order of the text."""
    author: str = ""
    """The account that published it; empty for pages and files."""
    content_hash: str = ""
    """SHA-256 of `text`."""
    group: str = ""


def record_id(source: Source, locator: str) -> str:
    """A short stable id from the source and the place (URL or post id) a text was found at."""
    return f"{source}-{hashlib.sha256(locator.encode()).hexdigest()[:12]}"


def text_hash(text: str) -> str:
    """SHA-256 of a text, as `Record.content_hash` holds it."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write records as JSON Lines, atomically."""
    write_json_lines(path, records)


def read_records(path: Path) -> Iterator[Record]:
    """Read records from JSON Lines.

    Raises:
        OnbrandError: the file is missing or a line is not a record.
    """
    if not path.is_file():
        raise OnbrandError(f"{path} is not there; run `onbrand build` first.")
    remedy = "run `onbrand build --force` to make it again"
    return read_json_lines(path, Record, "a record", remedy)
