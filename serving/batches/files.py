"""Files in the database, in pieces: none is ever whole in memory."""

import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from sqlalchemy import Delete, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from serving.batches.ids import is_id, new_id, not_found
from serving.batches.tables import ChunkRow, FileRow
from serving.store.database import Database
from serving.store.tables import storable

CHUNK_BYTES = 256 * 1024
_DAY_SECONDS = 86_400
_LONGEST_NAME = 255


class Files:
    """The files of all owners.

    Args:
        database: Where they are.
        keep_days: Age at which they go, where nothing else was said.
    """

    def __init__(self, database: Database, keep_days: int) -> None:
        self._database = database
        self._keep_seconds = keep_days * _DAY_SECONDS

    async def begin(
        self, owner: str, purpose: str, filename: str, keep_seconds: int | None = None
    ) -> FileRow:
        """An empty file that nobody sees until it is `finish`ed."""
        now = int(time.time())
        keep = min(keep_seconds or self._keep_seconds, self._keep_seconds)
        row = FileRow(
            id=new_id("file-"),
            owner=owner,
            purpose=purpose,
            filename=storable(filename)[-_LONGEST_NAME:],
            bytes=0,
            created_at=now,
            expires_at=now + keep,
            whole=False,
        )
        async with self._database.transaction() as session:
            session.add(row)
        return row

    async def fill(self, row: FileRow, content: AsyncIterable[bytes]) -> None:
        """Write the content, a transaction each piece."""
        number = 0
        async for piece in content:
            async with self._database.transaction() as session:
                session.add(ChunkRow(file_id=row.id, number=number, content=piece))
            row.bytes += len(piece)
            number += 1

    async def finish(self, row: FileRow) -> None:
        """Let its owner see it."""
        async with self._database.transaction() as session:
            await show(session, row)

    async def get(self, owner: str, file_id: str, param: str = "file_id") -> FileRow:
        """A file of an owner.

        Raises:
            ApiError: 404.
        """
        mine = select(FileRow).where(FileRow.id == file_id, FileRow.owner == owner, FileRow.whole)
        if is_id(file_id):
            async with self._database.transaction() as session:
                row = (await session.scalars(mine)).one_or_none()
            if row is not None and row.expires_at > time.time():
                return row
        raise not_found("file", file_id, param)

    async def page(
        self, owner: str, purpose: str | None, after: str | None, limit: int, *, newest_first: bool
    ) -> list[FileRow]:
        """Files of an owner, `limit` at most."""
        wanted = select(FileRow).where(
            FileRow.owner == owner, FileRow.whole, FileRow.expires_at > int(time.time())
        )
        if purpose is not None:
            wanted = wanted.where(FileRow.purpose == storable(purpose))
        if after is not None:
            await self.get(owner, after, "after")
            wanted = wanted.where(FileRow.id < after if newest_first else FileRow.id > after)
        order = FileRow.id.desc() if newest_first else FileRow.id
        async with self._database.transaction() as session:
            return [*await session.scalars(wanted.order_by(order).limit(limit))]

    async def content(self, file_id: str) -> AsyncIterator[bytes]:
        """The pieces; a transaction each, since whoever reads them may be slow."""
        number = 0
        while True:
            wanted = select(ChunkRow.content).where(
                ChunkRow.file_id == file_id, ChunkRow.number == number
            )
            async with self._database.transaction() as session:
                piece = (await session.scalars(wanted)).one_or_none()
            if piece is None:
                return
            yield piece
            number += 1

    async def delete(self, file_id: str) -> None:
        """Delete a file; at once out of sight, its content after that."""
        async with self._database.transaction() as session:
            await session.execute(delete(FileRow).where(FileRow.id == file_id))
        await delete_in_steps(self._database, ChunkRow, ChunkRow.file_id == file_id)

    async def delete_old(self) -> int:
        """Delete what has expired, and what was never finished; how many."""
        now = int(time.time())
        too_old = or_(
            FileRow.expires_at <= now,
            FileRow.created_at <= now - self._keep_seconds,
            ~FileRow.whole & (FileRow.created_at < now - _DAY_SECONDS),
        )
        async with self._database.transaction() as session:
            old = [*await session.scalars(select(FileRow.id).where(too_old))]
        for file_id in old:
            await self.delete(file_id)
        return len(old)


async def show(session: AsyncSession, row: FileRow) -> None:
    """Let a file's owner see it, as part of a transaction."""
    done = update(FileRow).where(FileRow.id == row.id).values(whole=True, bytes=row.bytes)
    await session.execute(done)


async def delete_in_steps(database: Database, table: Any, condition: Any) -> None:
    """Delete many rows without keeping others from writing meanwhile."""
    key = table.__table__.primary_key.columns.values()[-1]
    while True:
        async with database.transaction() as session:
            some = [*await session.scalars(select(key).where(condition).limit(_STEP))]
            if not some:
                return
            statement: Delete = delete(table).where(condition, key.in_(some))
            await session.execute(statement)


_STEP = 200
"""Rows; chunks are large, and SQLite overwrites what it deletes."""
