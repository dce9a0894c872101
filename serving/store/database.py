"""The database: SQLite in the workspace, or PostgreSQL; migrated when it is opened."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from onbrand.errors import OnbrandError, UsageError
from onbrand.secrets import secret
from onbrand.workspace import Workspace

STORE_URL = "ONBRAND_STORE_URL"
_MIGRATION_LOCK = 7_305_522
"""Any number that no other program asks the same PostgreSQL server to lock."""
_CONNECT_SECONDS = 3
_POOL_SECONDS = 3
_BUSY_SECONDS = 5
_TRANSACTION_SECONDS = 10.0
_MIGRATION_SECONDS = 60


class StoreUnavailableError(OnbrandError):
    """The database cannot be reached, or cannot write: the same will work again later."""


class Database:
    """Connections to one database; made by `open_database`."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.engine = create_async_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=_POOL_SECONDS,
            connect_args=_connect_arguments(url),
            # Errors would quote what people wrote.
            hide_parameters=True,
        )
        if _is_sqlite(url):
            event.listen(self.engine.sync_engine, "connect", _set_up_sqlite)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(
        self, seconds: float = _TRANSACTION_SECONDS
    ) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end of the block, or not at all.

        Args:
            seconds: How long the block may take; a server that hangs must not hang its callers.

        Raises:
            StoreUnavailableError: no connection, no room to write, or not in time.
        """
        try:
            async with asyncio.timeout(seconds), self._sessions.begin() as session:
                if seconds > _TRANSACTION_SECONDS and not _is_sqlite(self.url):
                    # Longer than the connection's own; asyncio alone sees to shorter ones.
                    await session.execute(text(f"SET LOCAL {_statement_timeout(seconds)}"))
                yield session
        except (DBAPIError, PoolTimeoutError, OSError) as error:  # TimeoutError is an OSError
            if isinstance(error, DBAPIError) and not _is_passing(error):
                raise
            message = f"The store {shown(self.url)} is unavailable: {_cause(error)}."
            raise StoreUnavailableError(message) from error

    async def answers(self, seconds: float = 10.0) -> bool:
        """Whether it can be reached now, within so many seconds."""
        try:
            async with self.transaction(seconds) as session:
                await session.execute(text("SELECT 1"))
        except StoreUnavailableError:
            return False
        return True

    async def scrub(self) -> None:
        """Leave nothing of deleted rows in SQLite's log of changes; PostgreSQL does so by itself.

        Raises:
            StoreUnavailableError: as `transaction`.
        """
        if _is_sqlite(self.url):
            async with self.transaction() as session:
                await session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


@asynccontextmanager
async def open_database(workspace: Workspace) -> AsyncIterator[Database]:
    """The configured database, with today's tables.

    Raises:
        UsageError: `store.url` is no URL of SQLite or PostgreSQL, or holds a password.
        OnbrandError: it cannot be reached, or not migrated.
    """
    url = store_url(workspace)
    await asyncio.to_thread(migrate, url)
    database = Database(url)
    try:
        yield database
    finally:
        await database.engine.dispose()


def store_url(workspace: Workspace) -> URL:
    """Where the store is: the environment, then `brand.toml`, then a file in the workspace.

    Raises:
        UsageError: no URL of SQLite or PostgreSQL, or a password in `brand.toml`.
    """
    given, configured = secret(STORE_URL), workspace.config.store.url
    if not given and not configured:
        return URL.create("sqlite+aiosqlite", database=str(workspace.root / "serving.sqlite"))
    place = STORE_URL if given else "store.url"
    try:
        url = make_url(given or configured)
    except ArgumentError as error:
        raise UsageError(
            f"{place} is not a database's URL, such as postgresql://host/onbrand."
        ) from error
    if not given and (url.password or "password" in url.query):
        raise UsageError(f"store.url holds a password; put the URL into {STORE_URL} instead.")
    match url.get_backend_name():
        case "sqlite":
            path = Path(url.database or "serving.sqlite")
            return url.set(drivername="sqlite+aiosqlite", database=str(workspace.root / path))
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
    raise UsageError(f"{place} names {url.get_backend_name()}; use sqlite:/// or postgresql://.")


def migrate(url: URL, revision: str = "head", *, down: bool = False) -> None:
    """Bring the tables to a revision of Alembic's; two gateways that start at once take turns.

    Raises:
        OnbrandError: the database cannot be reached, or was made by a later version.
    """
    plain = url.set(drivername="sqlite") if _is_sqlite(url) else url
    engine = create_engine(plain, connect_args=_migration_arguments(plain))
    try:
        with _migration_lock(plain), engine.connect() as connection:
            if not _is_sqlite(plain):
                connection.execute(text(f"SELECT pg_advisory_lock({_MIGRATION_LOCK})"))
                connection.commit()
            try:
                _run_alembic(connection, revision, down=down)
            finally:
                if not _is_sqlite(plain):
                    connection.rollback()
                    connection.execute(text(f"SELECT pg_advisory_unlock({_MIGRATION_LOCK})"))
    except (SQLAlchemyError, OSError) as error:
        raise OnbrandError(f"The store {shown(url)} cannot be opened: {_cause(error)}.") from error
    except CommandError as error:  # a revision that it does not know
        raise OnbrandError(
            f"The store {shown(url)} was made by a later version of Onbrand: update this one."
        ) from error
    finally:
        engine.dispose()


def shown(url: URL) -> str:
    """A URL as messages may show it: without its password."""
    return url.set(password=None, query={}).render_as_string()


def _run_alembic(connection: Connection, revision: str, *, down: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)
    connection.commit()


@contextmanager
def _migration_lock(url: URL) -> Iterator[None]:
    if not _is_sqlite(url):
        yield
        return
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=_MIGRATION_SECONDS):
        yield


def _cause(error: Exception) -> str:
    """What the driver says, in one line; it knows no passwords."""
    said = str(getattr(error, "orig", None) or error).strip()
    return (said.splitlines() or [type(error).__name__])[0].rstrip(".")


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _connect_arguments(url: URL) -> dict[str, Any]:
    if _is_sqlite(url):
        return {"timeout": _BUSY_SECONDS}
    limit = _statement_timeout(_TRANSACTION_SECONDS)
    return _migration_arguments(url) | {"options": f"-c {limit}"}


def _statement_timeout(seconds: float) -> str:
    """PostgreSQL's setting; it counts in milliseconds."""
    return f"statement_timeout={int(seconds * 1000)}"


def _migration_arguments(url: URL) -> dict[str, Any]:
    """Without a limit to a statement: large tables take their time, and others wait for that."""
    return {"timeout": _BUSY_SECONDS} if _is_sqlite(url) else {"connect_timeout": _CONNECT_SECONDS}


def _set_up_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    # Readers and the one writer do not wait for each other: https://sqlite.org/wal.html
    cursor.execute("PRAGMA journal_mode=WAL")
    # A segment of the journal goes once its transaction is over: that must be on the disk then.
    cursor.execute("PRAGMA synchronous=FULL")
    # What is deleted is overwritten, too.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def _is_passing(error: DBAPIError) -> bool:
    """Whether it is about the database's state, not about what was asked of it."""
    if isinstance(error.orig, sqlite3.Error):
        # DatabaseError itself: the file is damaged, or no database.
        return type(error.orig) in (sqlite3.OperationalError, sqlite3.DatabaseError)
    state: str | None = getattr(error.orig, "sqlstate", None)
    if not state:  # the driver's own: a connection that broke, or a value it cannot send
        return isinstance(error, OperationalError | InterfaceError)
    # Connection, rollback to be repeated, resources, lock not available, intervention, system;
    # 25006: a standby, which is read-only. https://www.postgresql.org/docs/current/errcodes-appendix.html
    return state.startswith(("08", "40", "53", "55", "57", "58")) or state == "25006"
