"""The frontier: every URL known to a crawl and what became of it, in SQLite.

Each page is finished in one transaction together with the links found on it, so a crawl that was
killed goes on where it was. URLs are visited level by level, a level being (depth, turn): links
from the start, then within a depth directly linked pages (turn 0) before targets of redirects and
pages known from a sitemap alone. A page's links lead to later levels only. So, whatever the order
in which answers arrive, the pages of a crawl that `max_pages` cuts short are the same ones.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from onbrand.errors import OnbrandError
from scraper.raw import Failed, Page

_SCHEMA = """
CREATE TABLE IF NOT EXISTS url (
    url TEXT PRIMARY KEY,
    depth INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', -- waiting, done, redirect, failed, disallowed
    page BLOB,   -- done: zlib of the Page's JSON, `rendered` beside it for counting
    rendered INTEGER NOT NULL DEFAULT 0,
    target TEXT, -- redirect: where to
    reason TEXT  -- failed, disallowed; done: what was less than good about it
);
CREATE INDEX IF NOT EXISTS next_url ON url (state, depth, turn, url);
CREATE TABLE IF NOT EXISTS robots (origin TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS crawl (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class FrontierInUseError(OnbrandError):
    """Another process is crawling into the same folder."""


@dataclass(frozen=True)
class Entry:
    """A URL that waits to be visited."""

    url: str
    depth: int
    turn: int


@dataclass(frozen=True)
class Counts:
    """URLs by what became of them; `failed` includes pages that were kept with a reservation."""

    done: int
    rendered: int
    failed: int
    disallowed: int
    waiting: int


class Frontier:
    """An open frontier. Only one process can hold it; a killed one lets go of it."""

    def __init__(self, path: Path, identity: str, *, afresh: bool = False) -> None:
        """Open or make the frontier; one made by a crawl of another identity is emptied.

        Raises:
            FrontierInUseError: another process is crawling into the same folder.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            if afresh or self._value("identity") != identity:
                self.clear()
                self._keep("identity", identity)
        except sqlite3.Error as error:
            self._db.close()
            if "locked" in str(error):
                raise FrontierInUseError(
                    f"{path} is in use: another crawl is running in this workspace; "
                    "wait for it or stop it."
                ) from error
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def clear(self) -> None:
        """Forget everything."""
        with self._transaction():
            for table in ("url", "robots", "crawl"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608  (names are ours)

    # What is known

    def next(self, limit: int) -> list[Entry]:
        """The first URLs, in order, of the earliest level that has any waiting."""
        rows = self._db.execute(
            "SELECT url, depth, turn FROM url WHERE state = 'waiting' AND (depth, turn) = "
            "(SELECT depth, turn FROM url WHERE state = 'waiting' ORDER BY depth, turn LIMIT 1) "
            "ORDER BY url LIMIT ?",
            (limit,),
        )
        return [Entry(*row) for row in rows]

    def counts(self) -> Counts:
        """How many URLs are in which state."""
        row = self._db.execute(
            "SELECT total(state = 'done'), total(rendered), "
            "total(state IN ('done', 'failed') AND reason IS NOT NULL), "
            "total(state = 'disallowed'), total(state = 'waiting') FROM url"
        ).fetchone()
        loops = len(self._loops())
        done, rendered, failed, disallowed, waiting = (int(value) for value in row)
        return Counts(done, rendered, failed + loops, disallowed, waiting)

    # What became of a URL

    def finish_page(self, page: Page, links: Iterable[str], reservation: str | None = None) -> None:
        """Keep a page and make its links known, one level of depth further."""
        packed = zlib.compress(page.model_dump_json().encode())
        with self._transaction():
            self._db.execute(
                "UPDATE url SET state = 'done', page = ?, rendered = ?, reason = ? WHERE url = ?",
                (packed, page.rendered, reservation, page.url),
            )
            self._add(links, page.depth + 1, 0)

    def finish_redirect(self, entry: Entry, target: str) -> None:
        """Leave the page to the URL it redirects to, which is visited at the same depth."""
        with self._transaction():
            self._db.execute(
                "UPDATE url SET state = 'redirect', target = ? WHERE url = ?", (target, entry.url)
            )
            self._add([target], entry.depth, entry.turn + 1)

    def finish_failed(self, url: str, reason: str, *, disallowed: bool = False) -> None:
        """Set a URL aside with the reason."""
        with self._transaction():
            self._db.execute(
                "UPDATE url SET state = ?, reason = ? WHERE url = ?",
                ("disallowed" if disallowed else "failed", reason, url),
            )

    # What is handed on

    def pages(self) -> Iterator[Page]:
        """All pages, by URL."""
        for (packed,) in self._db.execute("SELECT page FROM url WHERE state = 'done' ORDER BY url"):
            yield Page.model_validate(json.loads(zlib.decompress(packed)))

    def failed(self) -> list[Failed]:
        """Everything that was set aside, and pages kept with a reservation, by URL."""
        rows: dict[str, str] = dict(
            self._db.execute("SELECT url, reason FROM url WHERE reason IS NOT NULL")
        )
        rows |= dict.fromkeys(self._loops(), "it redirects in a circle")
        return [Failed(source="website", locator=url, reason=rows[url]) for url in sorted(rows)]

    def failure_of(self, url: str) -> tuple[str, str]:
        """Where a URL's redirects end, and the reason why there is no page there."""
        reasons = {row.locator: row.reason for row in self.failed()}
        targets = self._targets()
        while url not in reasons and url in targets:
            url = targets[url]
        return url, reasons.get(url, "it was not reached")

    # What a resumed crawl must agree with

    def robots(self, origin: str) -> str | None:
        """The kept robots.txt of an origin; None: not asked yet."""
        row = self._db.execute("SELECT text FROM robots WHERE origin = ?", (origin,)).fetchone()
        return row[0] if row else None

    def keep_robots(self, origin: str, text: str) -> None:
        """Keep the robots.txt of an origin."""
        self._db.execute("INSERT OR REPLACE INTO robots VALUES (?, ?)", (origin, text))

    @property
    def seeded(self) -> bool:
        """Whether start URLs and sitemaps are in."""
        return self._value("seeded") is not None

    def seed(
        self, start_urls: Iterable[str], listed: Iterable[str], unreadable: dict[str, str]
    ) -> None:
        """Put in the start URLs, the pages that sitemaps list, and sitemaps that failed."""
        with self._transaction():
            self._add(start_urls, 0, 0)
            self._add(listed, 1, 1)
            self._db.executemany(
                "INSERT OR IGNORE INTO url (url, depth, turn, state, reason) "
                "VALUES (?, 0, 0, 'failed', ?)",
                list(unreadable.items()),
            )
            self._keep("seeded", "yes")

    def _loops(self) -> list[str]:
        """URLs on a circle of redirects; worked out at the end, so order cannot matter."""
        targets = self._targets()
        on_circle = []
        for url in targets:
            place, steps = targets[url], 0
            while place != url and place in targets and steps <= len(targets):
                place, steps = targets[place], steps + 1
            if place == url:
                on_circle.append(url)
        return on_circle

    def _targets(self) -> dict[str, str]:
        return dict(self._db.execute("SELECT url, target FROM url WHERE state = 'redirect'"))

    def _add(self, urls: Iterable[str], depth: int, turn: int) -> None:
        self._db.executemany(
            "INSERT INTO url (url, depth, turn) VALUES (?, ?, ?) ON CONFLICT (url) DO UPDATE "
            "SET depth = excluded.depth, turn = excluded.turn WHERE state = 'waiting' "
            "AND (excluded.depth, excluded.turn) < (depth, turn)",
            [(url, depth, turn) for url in urls],
        )

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)

    def _value(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM crawl WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def _keep(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO crawl VALUES (?, ?)", (key, value))


class _Transaction:
    """BEGIN … COMMIT, or ROLLBACK when the block ends with an error."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._db.execute("COMMIT")
        elif self._db.in_transaction:  # SQLite itself rolls back on a full disk
            self._db.execute("ROLLBACK")
