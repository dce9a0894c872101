"""API keys: made once, shown once, kept as hashes."""

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Literal, get_args

from cachetools import TTLCache
from sqlalchemy import select, update

from onbrand.errors import UsageError
from serving.store.database import Database, StoreUnavailableError
from serving.store.journal import Journal
from serving.store.tables import KeyRow

Scope = Literal["chat", "batches", "feedback", "metrics"]
SCOPES: tuple[str, ...] = get_args(Scope)
_PREFIX = "ob_"
_SECRET_BYTES = 32
_NOTED_SECONDS = 60
_VERIFY_SECONDS = 3.0
_REMEMBERED_SECONDS = 300
_REMEMBERED_KEYS = 64


@dataclass(frozen=True)
class Key:
    """A key, without the key itself."""

    id: str
    name: str
    scopes: frozenset[str]
    per_minute: int | None
    """Requests in a minute; None: what `limits.key_per_minute` says."""
    created_at: int
    last_used_at: int | None
    revoked_at: int | None


class Keys:
    """The keys of one store."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._noted: dict[str, float] = {}
        self._remembered: TTLCache[str, Key] = TTLCache(_REMEMBERED_KEYS, _REMEMBERED_SECONDS)

    async def create(
        self, name: str, scopes: list[str], per_minute: int | None = None
    ) -> tuple[Key, str]:
        """A new key, and its secret, which cannot be had again.

        Raises:
            UsageError: no name, or a scope that does not exist.
            StoreUnavailableError: the database cannot be written.
        """
        if not name.strip() or not name.isprintable():
            raise UsageError("A key needs a name that can be read, to be told from others by it.")
        if not scopes:
            raise UsageError(f"A key without a scope opens nothing; there are {', '.join(SCOPES)}.")
        for scope in scopes:
            if scope not in SCOPES:
                raise UsageError(f"There is no scope {scope}; there are {', '.join(SCOPES)}.")
        given = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        row = KeyRow(
            id=secrets.token_hex(6),
            name=name.strip(),
            hash=_hash(given),
            scopes=",".join(sorted(set(scopes))),
            per_minute=per_minute,
            created_at=int(time.time()),
        )
        async with self._database.transaction() as session:
            session.add(row)
        return _key(row), given

    async def verify_or_remember(self, given: str) -> Key | None:
        """As `verify`; while the database is away, a key that was right minutes ago still is.

        Each time counts anew, so that who asks every few seconds is let in until it is back.

        Raises:
            StoreUnavailableError: the database cannot be read, and the key is not remembered.
        """
        hashed = _hash(given)
        try:
            key = await self.verify(given)
        except StoreUnavailableError:
            key = self._remembered.get(hashed)
            if key is None:
                raise
        self._remembered.pop(hashed, None)
        if key:
            self._remembered[hashed] = key
        return key

    async def verify(self, given: str) -> Key | None:
        """The key, unless it is unknown or revoked.

        Found by its hash: how long that takes says nothing about the key. When it was last used is
        noted once a minute, after the request.

        Raises:
            StoreUnavailableError: the database cannot be read.
        """
        async with self._database.transaction(_VERIFY_SECONDS) as session:
            found = await session.execute(select(KeyRow).where(KeyRow.hash == _hash(given)))
            row = found.scalar_one_or_none()
        if row is None or row.revoked_at is not None:
            return None
        now = time.time()
        if now - self._noted.get(row.id, 0.0) > _NOTED_SECONDS:
            self._noted[row.id] = now
            self._journal.write({"kind": "key", "id": row.id, "at": int(now)})
        return _key(row)

    async def list(self) -> list[Key]:
        """All keys, revoked ones too, oldest first."""
        async with self._database.transaction() as session:
            rows = await session.execute(select(KeyRow).order_by(KeyRow.created_at, KeyRow.id))
            return [_key(row) for row in rows.scalars()]

    async def revoke(self, name_or_id: str) -> Key:
        """End a key; it is refused from now on.

        Raises:
            UsageError: no such key, or several of that name.
        """
        matching = [
            key
            for key in await self.list()
            if name_or_id in (key.id, key.name) and key.revoked_at is None
        ]
        if len(matching) != 1:
            what = "no" if not matching else f"{len(matching)} of them, revoke by id:"
            ids = ", ".join(key.id for key in matching)
            raise UsageError(
                f"There is {what} key {name_or_id} in use{f' ({ids})' if ids else ''}."
            )
        (key,) = matching
        async with self._database.transaction() as session:
            changed = update(KeyRow).where(KeyRow.id == key.id).values(revoked_at=int(time.time()))
            await session.execute(changed)
        return key


def _hash(given: str) -> str:
    # Not a slow hash with a salt: those are for passwords that people think up. A key has 256
    # random bits, so a thief of the table has nothing to guess, and each request needs the hash.
    return hashlib.sha256(given.encode(errors="replace")).hexdigest()


def _key(row: KeyRow) -> Key:
    return Key(
        row.id,
        row.name,
        frozenset(row.scopes.split(",")) if row.scopes else frozenset(),
        row.per_minute,
        row.created_at,
        row.last_used_at,
        row.revoked_at,
    )
