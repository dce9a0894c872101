"""One process at a time checks a batch's input, or writes its files."""

import secrets
import time
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, update
from sqlalchemy.ext.asyncio import AsyncSession

from serving.batches.lines import LEASE_SECONDS
from serving.batches.tables import BatchRow
from serving.store.database import Database


class HoldLostError(Exception):
    """The batch was cancelled, or another process took it over: what was begun is void."""


@dataclass(frozen=True)
class Hold:
    """The right to work on one batch as long as its status stays."""

    database: Database
    batch_id: str
    status: str
    token: str

    async def renew(self) -> None:
        """Keep it.

        Raises:
            HoldLostError: too late.
        """
        async with self.database.transaction() as session:
            await self.change(session, held_until=time.time() + LEASE_SECONDS)

    async def change(self, session: AsyncSession, **values: Any) -> None:
        """Change the batch as part of a transaction.

        Raises:
            HoldLostError: it is held no longer; the transaction must not be committed.
        """
        if not await _update(session, self._still(), values):
            raise HoldLostError(self.batch_id)

    def _still(self) -> ColumnElement[bool]:
        held = BatchRow.holder == self.token
        return (BatchRow.id == self.batch_id) & held & (BatchRow.status == self.status)


async def take_hold(database: Database, batch_id: str, status: str) -> Hold | None:
    """Hold a batch, unless it has another status by now or is held by someone else."""
    hold, now = Hold(database, batch_id, status, secrets.token_hex(8)), time.time()
    free = (BatchRow.status == status) & (BatchRow.held_until < now)
    values = {"holder": hold.token, "held_until": now + LEASE_SECONDS}
    async with database.transaction() as session:
        taken = await _update(session, (BatchRow.id == batch_id) & free, values)
    return hold if taken else None


async def _update(
    session: AsyncSession, condition: ColumnElement[bool], values: dict[str, Any]
) -> bool:
    result = await session.execute(update(BatchRow).where(condition).values(**values))
    return cast("CursorResult[Any]", result).rowcount == 1
