"""What a crawl has found: its pages, and the reasons why there are no others."""

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scraper.raw import FACTS, PAGES, Failed, Page
from scraper.website.database import Database

FRONTIER = "crawl.sqlite"
WEBSITE_FAILED = "website-failed.jsonl"

LEVEL = 4
"""Of compression: between the fastest, 1, and the smallest, 9."""

MOST_ATTEMPTS = 3
"""Runs in which a URL is tried whose failure may pass."""


@dataclass(frozen=True)
class Counts:
    """URLs by what became of them."""

    done: int
    rendered: int
    failed: int
    """With a reason in the report, pages kept with a reservation among them."""
    disallowed: int
    excluded: int
    traps: int
    waiting: int
    passing: int
    """Of the failed ones those that the next run tries again."""


class Results:
    """Reads what stands in the frontier."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def counts(self) -> Counts:
        """How many URLs are in which state."""
        by_state: Counter[str] = Counter()
        for state, count in self._db.execute("SELECT state, count(*) FROM url GROUP BY state"):
            by_state[state] = count
        row = self._db.execute(
            "SELECT total(rendered), total(reason IS NOT NULL AND state IN "
            "('done', 'failed', 'sitemap')), total(passing AND attempts < ?) FROM url",
            (MOST_ATTEMPTS,),
        ).fetchone()
        rendered, failed, passing = map(int, row)
        return Counts(
            done=by_state["done"],
            rendered=rendered,
            failed=failed + len(loops(self._db)),
            disallowed=by_state["disallowed"],
            excluded=by_state["excluded"],
            traps=by_state["trap"],
            waiting=by_state["waiting"],
            passing=passing,
        )

    def page(self, url: str) -> Page:
        """A page that is done."""
        row = self._db.execute("SELECT packed FROM page WHERE url = ?", (url,)).fetchone()
        return unpack(row[0])

    def packed_pages(self) -> Iterator[tuple[str, bytes]]:
        """All pages but the aliases, by URL, each as a gzip member."""
        yield from self._db.execute(
            "SELECT url, packed FROM url JOIN page USING (url) "
            "WHERE state = 'done' AND alias_of IS NULL ORDER BY url"
        )

    def failed(self) -> list[Failed]:
        """Everything that was set aside, and pages kept with a reservation, by URL."""
        rows = self._reasons()
        for url in self._kept_for_now():
            rows[url] += f"; kept as it was fetched on {self.page(url).fetched_at[:10]}"
        return [Failed(source="website", locator=url, reason=rows[url]) for url in sorted(rows)]

    def failure_of(self, url: str) -> tuple[str, str]:
        """Where a URL's redirects end, and the reason why there is no page there."""
        reasons = self._reasons()
        leads_to = targets(self._db)
        while url not in reasons and url in leads_to:
            url = leads_to[url]
        return url, reasons.get(url, "it was not reached")

    def _reasons(self) -> dict[str, str]:
        reasons: dict[str, str] = dict(
            self._db.execute("SELECT url, reason FROM url WHERE reason IS NOT NULL")
        )
        return reasons | dict.fromkeys(loops(self._db), "it redirects in a circle")

    def _kept_for_now(self) -> list[str]:
        """Pages of an earlier crawl that stay because this one got no answer; see the reasons."""
        rows = self._db.execute("SELECT url FROM url WHERE state = 'done' AND passing")
        return [url for (url,) in rows]

    def has_fresh_page(self) -> bool:
        """Whether any page is not just kept from before for want of an answer."""
        row = self._db.execute("SELECT 1 FROM url WHERE state = 'done' AND NOT passing LIMIT 1")
        return row.fetchone() is not None

    def content_hashes(self) -> dict[str, str]:
        """The content hash of each page but the aliases, by URL."""
        return dict(
            self._db.execute(
                "SELECT url, content_hash FROM url WHERE state = 'done' AND alias_of IS NULL"
            )
        )


def remove_results(folder: Path) -> None:
    """Remove all that crawls have left in `raw/`."""
    beside = [f"{FRONTIER}-{suffix}" for suffix in ("wal", "shm")]  # there after a kill
    for name in (PAGES, FACTS, WEBSITE_FAILED, FRONTIER, *beside):
        (folder / name).unlink(missing_ok=True)


def targets(db: Database) -> dict[str, str]:
    """Where each redirect leads."""
    return dict(db.execute("SELECT url, target FROM url WHERE state = 'redirect'"))


def loops(db: Database) -> list[str]:
    """URLs on a circle of redirects; worked out at the end, so order cannot matter."""
    leads_to = targets(db)
    on_circle = []
    for url in leads_to:
        place, steps = leads_to[url], 0
        while place != url and place in leads_to and steps <= len(leads_to):
            place, steps = leads_to[place], steps + 1
        if place == url:
            on_circle.append(url)
    return on_circle


def pack(page: Page) -> bytes:
    """A page as a gzip member; members one after the other are a gzip file again (RFC 1952)."""
    return gzip.compress(page.model_dump_json().encode() + b"\n", LEVEL, mtime=0)


def unpack(packed: bytes) -> Page:
    """A packed page."""
    return Page.model_validate_json(gzip.decompress(packed))
