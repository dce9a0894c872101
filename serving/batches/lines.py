"""Who asks which line: the database is the queue, and a lease says whose a line is."""

import json
import random
import time
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, and_, func, select, update

from serving.batches.tables import BatchRow, LineRow
from serving.store.database import Database

LEASE_SECONDS = 10.0
"""A holder that is silent for so long is taken for dead; renewed every second."""
MOST_ATTEMPTS = 3
"""So often a line is asked that fails, or whose holder dies: it may be what kills it."""

_LOST = {
    "error": {
        "message": f"The process that asked this ended before the answer, {MOST_ATTEMPTS} times.",
        "type": "api_error",
        "param": None,
        "code": "worker_lost",
    }
}


@dataclass(frozen=True)
class Line:
    """A line that was claimed."""

    id: int
    batch_id: str
    owner: str
    """Of the batch: id of a key, or ""."""
    request_id: str
    body: dict[str, Any]
    attempts: int
    """Earlier ones, all in vain."""


class Lines:
    """The lines of all batches, as one holder sees them.

    Args:
        database: Where they are.
        holder: A name that no other process has.
    """

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self._holder = holder
        mine = (LineRow.holder == holder) & (LineRow.state == "running")
        self._mine: ColumnElement[bool] = mine

    async def claim(self) -> Line | None:
        """A line that may be asked now; None when there is none.

        From a batch by chance: a small one need not wait until a large one is through.
        """
        now = time.time()
        async with self._database.transaction() as session:
            wanted = select(BatchRow.id, BatchRow.owner).where(_open(now))
            batches = [*await session.execute(wanted)]
        for batch_id, owner in random.sample(batches, len(batches)):
            following = (
                select(LineRow.id)
                .where(LineRow.batch_id == batch_id, _due(now))
                .order_by(LineRow.number)
                .limit(1)
                .with_for_update(skip_locked=True)  # PostgreSQL's; SQLite has one writer
                .scalar_subquery()
            )
            claimed = (
                update(LineRow)
                .where(LineRow.id == following, LineRow.state == "pending")
                .values(state="running", holder=self._holder, lease_until=now + LEASE_SECONDS)
                .returning(LineRow.id, LineRow.request_id, LineRow.body, LineRow.attempts)
            )
            async with self._database.transaction() as session:
                row = (await session.execute(claimed)).one_or_none()
            if row is not None:
                body = json.loads(row.body)
                return Line(row.id, batch_id, owner, row.request_id, body, row.attempts)
        return None

    async def record(self, line: Line, status_code: int, response: dict[str, Any]) -> None:
        """Write down the answer, unless the line is someone else's by now."""
        values = {
            "state": "done" if status_code < 400 else "failed",
            "holder": "",
            "status_code": status_code,
            "response": json.dumps(response),
        }
        await self._change(LineRow.id == line.id, values)

    async def put_back(self, line: Line, *, wait_seconds: float = 0, failed: bool = False) -> None:
        """Have the line asked again, not before `wait_seconds` have passed."""
        values = {
            "state": "pending",
            "holder": "",
            "not_before": time.time() + wait_seconds,
            "attempts": line.attempts + failed,
        }
        await self._change(LineRow.id == line.id, values)

    async def pause(self, batch_id: str, seconds: float) -> None:
        """Ask nothing of this batch for a while."""
        until = time.time() + seconds
        later = (BatchRow.id == batch_id) & (BatchRow.paused_until < until)
        async with self._database.transaction() as session:
            await session.execute(update(BatchRow).where(later).values(paused_until=until))

    async def renew(self) -> set[int]:
        """Prolong the leases; returns the lines that are still wanted from this holder."""
        await self._change(None, {"lease_until": time.time() + LEASE_SECONDS})
        running = BatchRow.status == "in_progress"
        wanted = select(LineRow.id).join(BatchRow, BatchRow.id == LineRow.batch_id)
        async with self._database.transaction() as session:
            return {*await session.scalars(wanted.where(self._mine, running))}

    async def _change(self, which: ColumnElement[bool] | None, values: dict[str, Any]) -> None:
        condition = self._mine if which is None else and_(self._mine, which)
        async with self._database.transaction() as session:
            await session.execute(update(LineRow).where(condition).values(**values))


async def count_due(database: Database, most: int) -> int:
    """How many lines could be asked now; counted no further than `most`."""
    now = time.time()
    due: Select[Any] = (
        select(LineRow.id)
        .join(BatchRow, BatchRow.id == LineRow.batch_id)
        .where(_open(now), _due(now))
        .limit(most)
    )
    async with database.transaction() as session:
        return (await session.scalars(select(func.count()).select_from(due.subquery()))).one()


async def take_back_lost(database: Database) -> int:
    """Have lines asked again whose holder is silent; how many there were."""
    lost = (LineRow.state == "running") & (LineRow.lease_until < time.time())
    hopeless = {"state": "failed", "status_code": 500, "response": json.dumps(_LOST)}
    async with database.transaction() as session:
        given_up = await session.execute(
            update(LineRow)
            .where(lost, LineRow.attempts + 1 >= MOST_ATTEMPTS)
            .values(holder="", attempts=MOST_ATTEMPTS, **hopeless)
        )
        taken_back = await session.execute(
            update(LineRow)
            .where(lost)
            .values(state="pending", holder="", attempts=LineRow.attempts + 1)
        )
    return sum(cast("CursorResult[Any]", result).rowcount for result in (given_up, taken_back))


def _open(now: float) -> ColumnElement[bool]:
    return (BatchRow.status == "in_progress") & (BatchRow.paused_until <= now)


def _due(now: float) -> ColumnElement[bool]:
    return (LineRow.state == "pending") & (LineRow.not_before <= now)
