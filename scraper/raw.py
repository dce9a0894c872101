"""What `scrape` leaves in `raw/` and `build` reads: pages, posts and files as they were found."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict

from onbrand.atomic import atomic_file
from onbrand.errors import OnbrandError

PAGES = "pages.jsonl.gz"
POSTS = "posts.jsonl"
FILES = "files.jsonl"
FAILED = "failed.jsonl"
FACTS = "facts.jsonl"

FactType = Literal["Organization", "Product", "FAQPage", "Article"]


class _Raw(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Page(_Raw):
    """One fetched page of the website."""

    url: str
    """Normalised URL it was asked for under."""
    final_url: str
    """After redirects."""
    status: int
    fetched_at: str
    """UTC, ISO 8601."""
    content_type: str = ""
    content_hash: str
    """SHA-256 of `html`."""
    etag: str = ""
    last_modified: str = ""
    """The header, as it came."""
    canonical: str = ""
    """Address within the site that the page gives as its own (<link rel="canonical">, Link)."""
    aliases: list[str] = []
    """Other URLs of the same page, left out for it."""
    rendered: bool = False
    """True: `html` is the DOM that Chromium had after running the page's JavaScript."""
    depth: int = 0
    html: str
    """For a PDF (`content_type` application/pdf) its text: a title and a <p> for each paragraph."""


class Fact(_Raw):
    """Something that the brand's pages state in JSON-LD."""

    url: str
    """The first page, by URL, that states it."""
    pages: int = 1
    """Pages that state exactly this."""
    type: FactType
    schema_types: list[str]
    """The types it was given, such as `["Bakery"]` for an Organization."""
    fields: dict[str, Any]
    """Properties by their name on schema.org, plain text. FAQPage: `questions`, a list of
    `{"question", "answer"}`. Product: `offers`, a list of `{"price", "priceCurrency", …}`."""


class Post(_Raw):
    """One item of a Facebook or Instagram export; nothing a commenter wrote is kept."""

    source: Literal["facebook", "instagram"]
    post_id: str
    url: str
    text: str
    published_at: str | None = None
    """UTC, ISO 8601."""
    author: str = ""
    """Account name as it stands in its URL, lower case; empty when the item names none."""
    profile: str = ""
    """Account that an actor was asked for when it brought the post; empty for exports."""
    tags: list[str] = []
    sponsored: bool = False
    shared: bool = False
    """Another post passed on, or another account's words repeated."""
    likes: int | None = None
    """None when hidden (exports say -1) or absent."""
    comments: int | None = None


class TextFile(_Raw):
    """One text file."""

    path: str
    """Relative to the workspace where possible."""
    text: str


class Failed(_Raw):
    """Something that could not be read, with the reason: a page, an export item, a file."""

    source: Literal["website", "facebook", "instagram", "file"]
    locator: str
    """URL, or file and item number."""
    reason: str


RawItem = TypeVar("RawItem", Page, Post, TextFile, Failed, Fact)


def write_raw(path: Path, items: Iterable[RawItem]) -> int:
    """Write items as JSON Lines (gzip when the name ends in .gz), atomically; return their count.

    The gzip header carries no time or name, so equal items give equal bytes.
    """
    count = 0
    with atomic_file(path) as partial, partial.open("wb") as stream:
        gzipped = path.suffix == ".gz"
        lines = gzip.GzipFile("", "wb", fileobj=stream, mtime=0) if gzipped else stream
        for item in items:
            lines.write(item.model_dump_json().encode() + b"\n")
            count += 1
        if gzipped:
            lines.close()
    return count


def read_raw(path: Path, kind: type[RawItem]) -> Iterator[RawItem]:
    """Read items back; a file that is not there holds none.

    Raises:
        OnbrandError: the file is damaged.
    """
    if not path.is_file():
        return
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with cast(IO[bytes], opener(path, "rb")) as lines:
            for line in lines:
                yield kind.model_validate(json.loads(line))
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise OnbrandError(
            f"{path} is damaged; run `onbrand scrape --force` to make it again."
        ) from error
