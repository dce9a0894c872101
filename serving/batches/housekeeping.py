"""What each gateway does about batches twice a second; several gateways share the work."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from traceback import format_tb
from typing import Any, Protocol

from sqlalchemy import select, update

from serving.batches.files import Files, delete_in_steps
from serving.batches.finishing import finish
from serving.batches.hold import Hold, HoldLostError, take_hold
from serving.batches.lines import count_due, take_back_lost
from serving.batches.preparing import Bounds, prepare
from serving.batches.tables import BatchRow, LineRow
from serving.store.database import Database, StoreUnavailableError

_TICK_SECONDS = 0.5
_HOUR_SECONDS = 3600
_DAY_SECONDS = 86_400
_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")
_MOST_DUE = 200
_log = logging.getLogger("onbrand.batches")


class Askers(Protocol):
    """Who asks lines: this process, or workers behind a broker."""

    async def offer(self, due: int) -> None:
        """Say how many lines may be asked now, counted up to some limit."""


@dataclass
class Housekeeping:
    """Moves batches from one status to the next."""

    database: Database
    files: Files
    bounds: Bounds
    askers: Askers
    keep_days: int
    finished: Callable[[Counter[str]], None]
    """Told how many lines of a batch ended as done, failed or unasked."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever made or cancelled a batch, so that it is looked at now."""
    _working: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    async def run(self) -> None:
        """Do it until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_again_and_again(self._delete_old, _HOUR_SECONDS))
            group.create_task(_again_and_again(self._offer, _TICK_SECONDS))
            await _again_and_again(lambda: self._look(group), _TICK_SECONDS, self.woken)

    async def _offer(self) -> None:
        await self.askers.offer(await count_due(self.database, _MOST_DUE))

    async def _look(self, group: asyncio.TaskGroup) -> None:
        """Look at each batch under way once."""
        async with self.database.transaction() as session:
            wanted = select(BatchRow).where(BatchRow.status.in_(_UNDER_WAY))
            batches = [*await session.scalars(wanted)]
        if any(batch.status == "in_progress" for batch in batches):
            await take_back_lost(self.database)
        for batch in batches:
            if batch.status in ("validating", "in_progress") and batch.expires_at <= time.time():
                await self._end(batch, "expired")
            elif batch.status == "in_progress":
                if not await self._is_open(batch.id):
                    await self._end(batch, "completed")
            elif batch.id not in self._working:
                task = group.create_task(self._work(batch))
                self._working[batch.id] = task
                task.add_done_callback(lambda _, gone=batch.id: self._working.pop(gone, None))  # type: ignore[misc]

    async def _is_open(self, batch_id: str) -> bool:
        unanswered = LineRow.state.in_(("pending", "running"))
        wanted = select(LineRow.id).where(LineRow.batch_id == batch_id, unanswered).limit(1)
        async with self.database.transaction() as session:
            return (await session.scalars(wanted)).first() is not None

    async def _end(self, batch: BatchRow, ending: str) -> None:
        change = (
            update(BatchRow)
            .where(BatchRow.id == batch.id, BatchRow.status == batch.status)
            .values(status="finalizing", ending=ending, finalizing_at=int(time.time()))
            .values(holder="", held_until=0)
        )
        async with self.database.transaction() as session:
            await session.execute(change)
        self.woken.set()

    async def _work(self, batch: BatchRow) -> None:
        """Check a new batch's input, or write the files of one that is over."""
        hold: Hold | None = None
        try:
            hold = await take_hold(self.database, batch.id, batch.status)
            if hold is None:
                return
            if batch.status == "validating":
                await prepare(hold, batch, self.files, self.bounds)
            else:
                self.finished(await finish(hold, batch, self.files))
        except HoldLostError:
            pass
        except StoreUnavailableError as error:
            _log.warning("%s Batch %s waits.", error, batch.id)
        except Exception as error:
            # One batch that cannot be handled must not end the others.
            _log.error("Batch %s: %s", batch.id, type(error).__name__, exc_info=True)
            await asyncio.sleep(_TICK_SECONDS)
        else:
            self.woken.set()

    async def _delete_old(self) -> None:
        """Delete batches and files by age, and lines that a process left when it died."""
        before = int(time.time()) - self.keep_days * _DAY_SECONDS
        over = BatchRow.status.not_in(_UNDER_WAY)
        await delete_in_steps(self.database, BatchRow, over & (BatchRow.created_at <= before))
        under_way = select(BatchRow.id).where(BatchRow.status.in_(_UNDER_WAY))
        await delete_in_steps(self.database, LineRow, LineRow.batch_id.not_in(under_way))
        if await self.files.delete_old():
            await self.database.scrub()


async def _again_and_again(
    work: Callable[[], Coroutine[Any, Any, None]],
    seconds: float,
    woken: asyncio.Event | None = None,
) -> None:
    """Do something at once and then every few seconds, or when woken."""
    event = woken or asyncio.Event()
    fault: type[Exception] | None = None
    while True:
        event.clear()
        fault = await _attempt(work, fault)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass


async def _attempt(
    work: Callable[[], Coroutine[Any, Any, None]], before: type[Exception] | None
) -> type[Exception] | None:
    """Do it once; what was wrong, which is logged unless it was the same `before`."""
    try:
        await work()
    except StoreUnavailableError as error:
        if before is not StoreUnavailableError:
            _log.warning("%s Batches wait.", error)
        return StoreUnavailableError
    except Exception as error:
        # A fault of ours must not end all batches. Its message may quote what it was about.
        if before is not type(error):
            where = "".join(format_tb(error.__traceback__))
            _log.error("Batches wait: %s.\n%s", type(error).__name__, where)
        return type(error)
    return None
