"""What the crawl before this one left: pages and files that need not be transferred again."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from scraper.raw import Page
from scraper.website.database import Database
from scraper.website.fetch import Validators
from scraper.website.results import unpack


@dataclass(frozen=True)
class EarlierPage:
    """A page of the crawl before."""

    page: Page
    plain: str
    """Its HTML as it came over plain HTTP, which is the page's own unless that was rendered."""

    @property
    def validators(self) -> Validators:
        """What to ask with whether it has changed."""
        return Validators(self.page.etag, self.page.last_modified)


@dataclass(frozen=True)
class KeptFile:
    """A robots.txt or sitemap as it was fetched last, in this crawl or an earlier one."""

    etag: str
    last_modified: str
    body: bytes


@dataclass(frozen=True)
class Changes:
    """Pages against those of the crawl before, by URL and content hash."""

    new: int
    changed: int
    unchanged: int
    gone: int


class Earlier:
    """Reads and writes the tables of `crawl.sqlite` that outlive a crawl."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def page(self, url: str) -> EarlierPage | None:
        """The page that the crawl before had under this URL."""
        row = self._db.execute(
            "SELECT packed, plain FROM earlier WHERE url = ? AND packed IS NOT NULL", (url,)
        ).fetchone()
        if not row:
            return None
        page = unpack(row[0])
        return EarlierPage(page, page.html if row[1] is None else zlib.decompress(row[1]).decode())

    def file(self, url: str) -> KeptFile | None:
        """A file that was kept."""
        row = self._db.execute(
            "SELECT etag, last_modified, packed FROM file WHERE url = ?", (url,)
        ).fetchone()
        return KeptFile(row[0], row[1], zlib.decompress(row[2])) if row else None

    def keep_file(self, url: str, file: KeptFile) -> None:
        """Keep a file under the URL that answered with it."""
        self._db.execute(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)",
            (url, file.etag, file.last_modified, zlib.compress(file.body)),
        )

    def changes(self, content_hashes: Mapping[str, str]) -> Changes:
        """How the pages, given by URL and content hash, differ from those of the crawl before."""
        before: dict[str, str] = dict(
            self._db.execute("SELECT url, content_hash FROM earlier WHERE alias_of IS NULL")
        )
        both = before.keys() & content_hashes.keys()
        unchanged = sum(before[url] == content_hashes[url] for url in both)
        return Changes(
            new=len(content_hashes) - len(both),
            changed=len(both) - unchanged,
            unchanged=unchanged,
            gone=len(before) - len(both),
        )
