"""Batches: made, shown, listed, cancelled; nobody sees another's."""

import json
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update

from serving.api_errors import ApiError
from serving.batches.ids import is_id, new_id, not_found
from serving.batches.tables import BatchRow, LineRow
from serving.store.database import Database

WINDOW = "24h"
_WINDOW_SECONDS = 86_400
MOMENTS = (
    "in_progress",
    "expires",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)


@dataclass(frozen=True)
class Wanted:
    """What a client asks for with a new batch."""

    input_file_id: str
    endpoint: str
    notes: dict[str, str]
    output_seconds: int | None


class Jobs:
    """The batches of all owners."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, owner: str, wanted: Wanted) -> BatchRow:
        """A batch whose input is going to be checked."""
        now = int(time.time())
        row = BatchRow(
            id=new_id("batch_"),
            owner=owner,
            input_file_id=wanted.input_file_id,
            endpoint=wanted.endpoint,
            completion_window=WINDOW,
            notes=json.dumps(wanted.notes),
            output_seconds=wanted.output_seconds,
            status="validating",
            ending="",
            errors="[]",
            created_at=now,
            expires_at=now + _WINDOW_SECONDS,
            total=0,
            completed=0,
            failed=0,
            paused_until=0,
            holder="",
            held_until=0,
        )
        async with self._database.transaction() as session:
            session.add(row)
        return row

    async def get(self, owner: str, batch_id: str, param: str = "batch_id") -> BatchRow:
        """A batch of an owner, with the counts of this moment.

        Raises:
            ApiError: 404.
        """
        if is_id(batch_id):
            mine = select(BatchRow).where(BatchRow.id == batch_id, BatchRow.owner == owner)
            async with self._database.transaction() as session:
                row = (await session.scalars(mine)).one_or_none()
            if row is not None:
                await self._count([row])
                return row
        raise not_found("batch", batch_id, param)

    async def page(self, owner: str, after: str | None, limit: int) -> list[BatchRow]:
        """Batches of an owner, newest first, `limit` at most."""
        wanted = select(BatchRow).where(BatchRow.owner == owner)
        if after is not None:
            await self.get(owner, after, "after")
            wanted = wanted.where(BatchRow.id < after)
        async with self._database.transaction() as session:
            rows = [*await session.scalars(wanted.order_by(BatchRow.id.desc()).limit(limit))]
        await self._count(rows)
        return rows

    async def cancel(self, owner: str, batch_id: str) -> BatchRow:
        """Ask nothing more of a batch; what is answered is kept.

        Raises:
            ApiError: 404, or 400 for a batch that is over.
        """
        row = await self.get(owner, batch_id)
        running = BatchRow.status.in_(("validating", "in_progress"))
        values = {
            "status": "cancelling",
            "ending": "cancelled",
            "cancelling_at": int(time.time()),
            # Whoever is checking its input shall not bring it back to life.
            "holder": "",
            "held_until": 0,
        }
        change = update(BatchRow).where(BatchRow.id == row.id, running).values(**values)
        async with self._database.transaction() as session:
            await session.execute(change)
        row = await self.get(owner, batch_id)
        if row.status not in ("cancelling", "cancelled"):
            message = f"This batch is {row.status}; only one under way can be cancelled."
            raise ApiError(400, message, code="invalid_status")
        return row

    async def _count(self, rows: list[BatchRow]) -> None:
        """Set the counts of batches under way, which are not written down with each answer."""
        under_way = {row.id: row for row in rows if row.status in _UNDER_WAY}
        if not under_way:
            return
        wanted = (
            select(LineRow.batch_id, LineRow.state, func.count())
            .where(LineRow.batch_id.in_(under_way), LineRow.state.in_(("done", "failed")))
            .group_by(LineRow.batch_id, LineRow.state)
        )
        async with self._database.transaction() as session:
            for batch_id, state, count in await session.execute(wanted):
                setattr(under_way[batch_id], "completed" if state == "done" else "failed", count)


_UNDER_WAY = ("in_progress", "finalizing", "cancelling")


def batch_object(row: BatchRow) -> dict[str, Any]:
    """As OpenAI shows a batch: https://platform.openai.com/docs/api-reference/batch/object."""
    errors = json.loads(row.errors)
    shown = {
        "id": row.id,
        "object": "batch",
        "endpoint": row.endpoint,
        "errors": {"object": "list", "data": errors} if errors else None,
        "input_file_id": row.input_file_id,
        "completion_window": row.completion_window,
        "status": row.status,
        "output_file_id": row.output_file_id,
        "error_file_id": row.error_file_id,
        "created_at": row.created_at,
        "request_counts": {"total": row.total, "completed": row.completed, "failed": row.failed},
        "metadata": json.loads(row.notes) or None,
    }
    return shown | {f"{moment}_at": getattr(row, f"{moment}_at") for moment in MOMENTS}
