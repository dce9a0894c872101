"""`crawl.sqlite`: one file, held by one process, whose every transaction survives a kill."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onbrand.errors import OnbrandError

_VERSION = 2
"""Of the tables; a file with older ones is emptied."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS url (
    url TEXT PRIMARY KEY,
    depth INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    state TEXT NOT NULL, -- waiting, done, redirect, failed, disallowed, excluded, trap, sitemap
    content_hash TEXT,
    canonical TEXT NOT NULL DEFAULT '',  -- done: the address that the page gives as its own
    alias_of TEXT,                       -- done: the page that this one turned out to be
    rendered INTEGER NOT NULL DEFAULT 0,
    target TEXT,                         -- redirect: where to
    reason TEXT,                         -- why there is no page; done: what was less than good
    passing INTEGER NOT NULL DEFAULT 0,  -- the reason may be gone tomorrow
    attempts INTEGER NOT NULL DEFAULT 0  -- runs that ended with such a reason
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS next_url ON url (state, depth, turn, url);
CREATE TABLE IF NOT EXISTS page (url TEXT PRIMARY KEY, packed BLOB NOT NULL, plain BLOB);
CREATE TABLE IF NOT EXISTS robots (origin TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS crawl (key TEXT PRIMARY KEY, value TEXT NOT NULL);
-- These two outlive a crawl: what the next one need not fetch again.
CREATE TABLE IF NOT EXISTS earlier (
    url TEXT PRIMARY KEY, content_hash TEXT NOT NULL, alias_of TEXT, packed BLOB, plain BLOB
);
CREATE TABLE IF NOT EXISTS file (
    url TEXT PRIMARY KEY, etag TEXT NOT NULL, last_modified TEXT NOT NULL, packed BLOB NOT NULL
);
"""


class FrontierInUseError(OnbrandError):
    """Another process is crawling into the same folder."""


class Database:
    """The open file. A killed process lets go of it."""

    def __init__(self, path: Path) -> None:
        """Open or make it.

        Raises:
            FrontierInUseError: another process is crawling into the same folder.
            sqlite3.Error: the file cannot be used.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        self.execute = self._connection.execute
        self.executemany = self._connection.executemany
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            if "locked" in str(error):
                raise FrontierInUseError(
                    f"{path} is in use: another crawl is running in this workspace; "
                    "wait for it or stop it."
                ) from error
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN … COMMIT, or ROLLBACK when the block ends with an error."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself rolls back on a full disk
                self.execute("ROLLBACK")
            raise

    def value(self, key: str) -> str | None:
        """A value kept about this crawl."""
        row = self.execute("SELECT value FROM crawl WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def keep(self, key: str, value: str) -> None:
        """Keep a value about this crawl."""
        self.execute("INSERT OR REPLACE INTO crawl VALUES (?, ?)", (key, value))

    def _prepare(self) -> None:
        self.execute("PRAGMA locking_mode=EXCLUSIVE")
        self.execute("PRAGMA journal_mode=WAL")
        # Enough against a kill. A power cut may cost the last pages, never the file.
        self.execute("PRAGMA synchronous=NORMAL")
        if self.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            for table in ("url", "robots", "crawl"):
                self.execute(f"DROP TABLE IF EXISTS {table}")
            self.execute(f"PRAGMA user_version={_VERSION}")
        self._connection.executescript(_SCHEMA)
