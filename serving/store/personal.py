"""What is kept of one person, to be shown or deleted; and what is too old to be kept."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from serving.store.database import Database
from serving.store.segments import segments, strike, undisturbed
from serving.store.tables import ConversationRow, FeedbackRow, UsageRow

_Row = UsageRow | ConversationRow | FeedbackRow
_TABLES: dict[str, type[_Row]] = {
    "usage": UsageRow,
    "conversations": ConversationRow,
    "feedback": FeedbackRow,
}
_DELETION_SECONDS = 600.0


class PersonalData:
    """The rows and notes about people in one store."""

    def __init__(self, database: Database, journal: Path) -> None:
        self._database = database
        self._journal = journal

    async def export(self, user: str) -> dict[str, Any]:
        """Everything kept of `user`, also what is not in the database yet.

        Raises:
            StoreUnavailableError: the database cannot be read.
            OSError: the journal cannot be read.
        """
        async with undisturbed(self._journal), self._database.transaction() as session:
            kept = {
                name: [_shown(row) for row in await session.scalars(_of(table, user))]
                for name, table in _TABLES.items()
            }
            waiting = [note for note in segments(self._journal) if note.get("user") == user]
        return {"user": user, **kept, "not_written_yet": waiting}

    async def delete(self, user: str) -> dict[str, int]:
        """Delete everything kept of `user`; how many of each kind there were.

        Raises:
            StoreUnavailableError: the database cannot be written; run it again.
            OSError: the journal cannot be written.
        """
        async with undisturbed(self._journal):
            counts = {"notes": strike(self._journal, lambda note: note.get("user") == user)}
            async with self._database.transaction(_DELETION_SECONDS) as session:
                for name, table in _TABLES.items():
                    counts[name] = await _count(session, delete(table).where(table.user == user))
        await self._database.scrub()
        return counts

    async def enforce_retention(self, days: int, now: datetime | None = None) -> dict[str, int]:
        """Delete what is older than `days`; how many of each kind there were.

        Raises:
            StoreUnavailableError: the database cannot be written.
        """
        before = (now or datetime.now(UTC)) - timedelta(days=days)
        counts = {}
        async with self._database.transaction(_DELETION_SECONDS) as session:
            old_usage = delete(UsageRow).where(UsageRow.day < before.date().isoformat())
            counts["usage"] = await _count(session, old_usage)
            for name, table in (("conversations", ConversationRow), ("feedback", FeedbackRow)):
                old = delete(table).where(table.created_at < int(before.timestamp()))
                counts[name] = await _count(session, old)
        return counts


def _of(table: type[_Row], user: str) -> Select[_Row]:
    found = select(table).where(table.user == user).order_by(*table.__table__.primary_key)
    return cast("Select[_Row]", found)


def _shown(row: _Row) -> dict[str, Any]:
    """A row's columns, without what is the same in all of them or means nothing outside."""
    columns = {name.key for name in row.__table__.columns} - {"id", "user"}
    values = {name: getattr(row, name) for name in sorted(columns)}
    if isinstance(row, ConversationRow):
        values["messages"] = json.loads(row.messages)
    return values


async def _count(session: AsyncSession, statement: Delete) -> int:
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount
