"""The frontier: every URL known to a crawl and what became of it.

Each page is finished in one transaction together with the links found on it, so a crawl that was
killed goes on where it was. URLs are visited level by level, a level being (depth, turn): links
from the start, then within a depth directly linked pages (turn 0) before targets of redirects,
canonical addresses and pages known from a sitemap alone. A page's links lead to later levels only.
So, whatever the order in which answers arrive, the pages of a crawl that `max_pages` cuts short are
the same ones.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from scraper.raw import Page
from scraper.website.database import Database
from scraper.website.fetch import FetchError
from scraper.website.results import LEVEL, MOST_ATTEMPTS, pack
from scraper.website.url_table import Entry, Level, Sifted, UrlTable


class Frontier(UrlTable):
    """An open frontier. Only one process can hold it."""

    def __init__(self, path: Path, identity: str, *, afresh: bool = False) -> None:
        """Open or make the frontier; one made by a crawl of another identity starts over.

        Raises:
            FrontierInUseError: another process is crawling into the same folder.
            sqlite3.Error: the file cannot be used.
        """
        super().__init__(Database(path))
        try:
            if afresh or self.db.value("identity") != identity:
                self._start_over(identity)
            self._load()
        except BaseException:
            self.db.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    def _start_over(self, identity: str) -> None:
        """Forget what became of each URL; remember the pages, for what has not changed since."""
        with self.db.transaction():
            if self.complete:
                self.db.execute("DELETE FROM earlier")
            self.db.execute(
                "INSERT OR REPLACE INTO earlier SELECT url, content_hash, alias_of, packed, plain "
                "FROM url JOIN page USING (url) WHERE state = 'done'"
            )
            self._forget()
            self.db.keep("identity", identity)

    def clear(self) -> None:
        """Forget a crawl that came to nothing; the pages of the one before it stay known."""
        with self.db.transaction():
            self._forget()
        self._load()

    def _forget(self) -> None:
        for table in ("url", "page", "robots", "crawl"):
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608  (names are ours)

    # What became of a URL

    def finish_page(
        self,
        page: Page,
        links: Sifted,
        reservation: str | None = None,
        *,
        passing: bool = False,
        plain: str | None = None,
    ) -> None:
        """Keep a page and make its links known, one level of depth further.

        The address it gives as its own is to be visited too, as the target of a redirect is.
        `plain` is the HTML that a rendered page was made from.
        """
        depth, turn = self._levels[page.url]
        with self.db.transaction():
            self._set(
                page.url, "done", reservation, passing=passing,
                content_hash=page.content_hash, canonical=page.canonical, rendered=page.rendered,
            )  # fmt: skip
            packed_plain = None if plain is None else zlib.compress(plain.encode(), LEVEL)
            self.db.execute(
                "INSERT OR REPLACE INTO page VALUES (?, ?, ?)", (page.url, pack(page), packed_plain)
            )
            if page.canonical and page.canonical != page.url:
                self._add([page.canonical], (depth, turn + 1))
            self._add_sifted(links, (depth + 1, 0))

    def finish_redirect(self, entry: Entry, target: str) -> None:
        """Leave the page to the URL it redirects to, which is visited at the same depth."""
        with self.db.transaction():
            self._set(entry.url, "redirect", None, target=target)
            self._add([target], (entry.depth, entry.turn + 1))

    def finish_failed(
        self, url: str, reason: str, *, disallowed: bool = False, passing: bool = False
    ) -> None:
        """Set a URL aside with the reason; `passing`: it may be gone in a later run."""
        with self.db.transaction():
            self._set(url, "disallowed" if disallowed else "failed", reason, passing=passing)

    def give_up(self, level: Level, traps: Mapping[str, str]) -> None:
        """Set URLs of a level aside as traps, with the reasons, and note that it was looked at."""
        with self.db.transaction():
            for url, reason in traps.items():
                self._set(url, "trap", reason)
            self.db.keep("looked-at", json.dumps(level))

    def looked_at(self, level: Level) -> bool:
        """Whether `give_up` was the last word on this level."""
        return self.db.value("looked-at") == json.dumps(level)

    # From one run to the next

    def robots(self, origin: str) -> str | None:
        """The robots.txt of an origin that this crawl keeps to; None: not asked yet."""
        row = self.db.execute("SELECT text FROM robots WHERE origin = ?", (origin,)).fetchone()
        return row[0] if row else None

    def keep_robots(self, origin: str, text: str) -> None:
        """Keep the robots.txt of an origin."""
        self.db.execute("INSERT OR REPLACE INTO robots VALUES (?, ?)", (origin, text))

    @property
    def seeded(self) -> bool:
        """Whether start URLs and sitemaps are in."""
        return self.db.value("seeded") is not None

    def seed(
        self, start_urls: Iterable[str], listed: Sifted, unreadable: Mapping[str, FetchError]
    ) -> None:
        """Put in the start URLs, the pages that sitemaps list, and sitemaps that failed."""
        with self.db.transaction():
            self._add(start_urls, (0, 0))
            self._add_sifted(listed, (1, 1))
            self._add_finished(dict.fromkeys(unreadable), (0, 0), "sitemap")
            for url, error in unreadable.items():
                self._set(url, "sitemap", f"sitemap: {error}", passing=error.passing)
            self.db.keep("seeded", "yes")

    @property
    def complete(self) -> bool:
        """Whether the crawl has come to its end."""
        return self.db.value("complete") is not None

    def finish(self, aliases: Mapping[str, str]) -> None:
        """Note that the crawl has come to its end, and which pages are others over again."""
        with self.db.transaction():
            self.db.execute("UPDATE url SET alias_of = NULL WHERE alias_of IS NOT NULL")
            self.db.executemany(
                "UPDATE url SET alias_of = ? WHERE url = ?",
                [(target, url) for url, target in aliases.items()],
            )
            self.db.execute(
                "UPDATE earlier SET packed = NULL, plain = NULL WHERE url NOT IN "
                "(SELECT url FROM url WHERE passing)"
            )
            self.db.keep("complete", "yes")

    def try_again(self) -> int:
        """Let the URLs wait once more whose failure may have passed since the crawl's end.

        Sitemaps that could not be read are read again. What is known stays known. Returns how many
        URLs that concerns.
        """
        with self.db.transaction():
            rows = self.db.execute(
                "UPDATE url SET state = iif(state = 'sitemap', state, 'waiting'), reason = NULL, "
                "passing = 0 WHERE passing AND attempts < ? RETURNING state",
                (MOST_ATTEMPTS,),
            ).fetchall()
            if ("sitemap",) in rows:
                self.db.execute("DELETE FROM crawl WHERE key = 'seeded'")
            if rows:
                self.db.execute("DELETE FROM crawl WHERE key = 'complete'")
        self._load()
        return len(rows)


__all__ = ["Entry", "Frontier", "Level", "Sifted"]
