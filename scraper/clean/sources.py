"""Raw pages, posts and files as records, in an order that does not depend on the crawl."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from rich.progress import track

from onbrand.console import notes
from onbrand.record import Record, record_id
from scraper import raw
from scraper.extract.main_text import chosen_text
from scraper.extract.many import score_all
from scraper.extract.site import by_site, compared

_ORDER = {"website": 0, "facebook": 1, "instagram": 2, "file": 3}


def in_order(records: Iterable[Record]) -> list[Record]:
    """Website, Facebook, Instagram, files; then oldest first; then the shortest address.

    Of two equal texts the first is kept, so the order decides which: it must not be chance.
    """

    def place(record: Record) -> tuple[int, str, int, str, str]:
        published = record.published_at or ""
        return _ORDER[record.source], published, len(record.url), record.url, record.id

    return sorted(records, key=place)


@dataclass(frozen=True)
class PageText:
    """What was read on a page, before and after the other pages of its host were looked at."""

    record: Record
    """Its text holds the main text and, where they stand in it, the host's repeated blocks."""
    own: str
    """The main text alone."""


def page_texts(pages: Sequence[raw.Page], share: float) -> Iterator[PageText]:
    """The pages' texts, under the addresses they were found at after redirects.

    What is repeated is told by `scraper.extract.site`.

    Args:
        pages: as they were fetched.
        share: a block on at least this share of a host's pages is furniture.
    """
    shown = track(
        score_all([page.html for page in pages]),
        "Reading pages",
        total=len(pages),
        console=notes,
        transient=True,
        disable=len(pages) < 2,
    )
    scored = list(shown)
    for numbers in by_site([urlsplit(page.final_url).netloc for page in pages]).values():
        judged = compared([scored[number] for number in numbers], share)
        for number, judgement in zip(numbers, judged, strict=True):
            page, found = pages[number], chosen_text(judgement)
            record = Record(
                id=record_id("website", page.final_url),
                source="website",
                url=page.final_url,
                title=found.title,
                text=found.with_furniture,
            )
            yield PageText(record, found.text)


def post_records(folder: Path) -> Iterator[Record]:
    """Facebook and Instagram posts as they were written."""
    for post in raw.read_raw(folder / raw.POSTS, raw.Post):
        yield Record(
            id=record_id(post.source, post.post_id),
            source=post.source,
            url=post.url,
            text=post.text,
            published_at=post.published_at,
            tags=post.tags,
            author=post.author,
        )


def file_records(folder: Path) -> Iterator[Record]:
    """Text files; their URL starts at the workspace, so it is the same on every machine."""
    for file in raw.read_raw(folder / raw.FILES, raw.TextFile):
        yield Record(
            id=record_id("file", file.path),
            source="file",
            url=f"file:{quote(file.path)}",
            text=file.text,
        )
