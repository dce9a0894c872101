"""Notes that must not be lost, and must not make anybody wait: first a file, then the database.

Each process appends to a segment of its own, a line a note. Every half second the segment is closed
and brought to the database in one transaction, together with its name; then the file goes. A
process that was killed leaves its segment behind, and another one takes it up. A segment whose name
is in the database is not written a second time.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from serving.store.database import Database, StoreUnavailableError
from serving.store.segments import (
    FileSegment,
    MemorySegment,
    Note,
    left_behind,
    new_segment,
    undisturbed,
)
from serving.store.tables import SegmentRow

Writer = Callable[[AsyncSession, list[Note]], Awaitable[None]]

_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_LAST_SECONDS = 5.0
_SEGMENT_BYTES = 8_000_000
_KEPT_BYTES = 64_000_000
_UNACCEPTABLE = (DataError, IntegrityError, KeyError, TypeError, ValueError, OverflowError)
"""What is raised because of a note, not because of the database."""
_log = logging.getLogger("onbrand.store")


class Journal:
    """The notes of this process, and of others that did not get to write theirs.

    Args:
        folder: Where segments lie; several processes may share it.
        database: Where they are written to.
        write: Writes notes within a transaction.
    """

    def __init__(self, folder: Path, database: Database, write: Writer) -> None:
        self._folder = folder
        self._database = database
        self._write = write
        self._open: FileSegment | None = None
        self._closed: list[FileSegment | MemorySegment] = []
        self._forgettable: list[str] = []
        """Names in the database whose files are gone."""
        self._kept: deque[bytes] = deque()
        """Lines that found no room on the disk."""
        self._kept_bytes = 0
        self._warned = False
        self._flushing = asyncio.Lock()

    def write(self, note: Note, *, needed: bool = True) -> None:
        """Take a note. Never waits for the database and never fails.

        Args:
            note: JSON's types only.
            needed: Kept at any price. Others are dropped when neither the disk nor the memory set
                aside has room.
        """
        if not needed and self._kept_bytes > _KEPT_BYTES:
            return
        line = json.dumps(note).encode() + b"\n"
        self._kept.append(line)
        self._kept_bytes += len(line)
        self._append_kept()

    async def run(self) -> None:
        """Bring notes to the database until cancelled; then once more."""
        pause = _PAUSE_SECONDS
        try:
            while True:
                await asyncio.sleep(pause)
                # A transaction that is cancelled half-way may keep SQLite's lock, and the last
                # flush would wait for it in vain: this one ends first.
                attempt = asyncio.create_task(self._attempt(pause))
                pause = await asyncio.shield(attempt)
        except asyncio.CancelledError:
            with suppress(StoreUnavailableError, OSError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await self.flush()
            raise

    async def _attempt(self, pause: float) -> float:
        """Flush; the seconds until the next time, after a pause of `pause`."""
        try:
            await self.flush()
            return _PAUSE_SECONDS
        except Exception as error:
            # Whatever it is: what comes after must not be lost with it.
            if pause == _PAUSE_SECONDS:
                expected = isinstance(error, StoreUnavailableError | OSError)
                _log.warning("%s Notes wait.", error, exc_info=not expected)
            return min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def flush(self) -> None:
        """Write all notes taken so far, and those of processes that are gone.

        Raises:
            StoreUnavailableError: it could not be; nothing is lost.
            OSError: the same, because of the folder.
        """
        async with self._flushing:
            self._append_kept()
            mine = {segment.name for segment in (*self._closed, self._open) if segment}
            self._closed.extend(left_behind(self._folder, mine))
            await self._bring_closed()
            # Only now: while the database is away, one file grows, not their number.
            if self._open:
                self._closed.append(self._open)
                self._open = None
            if self._kept:
                self._closed.append(MemorySegment(list(self._kept)))
                self._kept.clear()
                self._kept_bytes = 0
            await self._bring_closed()

    async def _bring_closed(self) -> None:
        while self._closed:
            segment = self._closed[0]
            async with AsyncExitStack() as stack:
                if isinstance(segment, FileSegment):
                    await stack.enter_async_context(undisturbed(self._folder))
                await self._bring(segment)
                segment.discard()
            self._closed.pop(0)
            self._forgettable.append(segment.name)

    async def _bring(self, segment: FileSegment | MemorySegment) -> None:
        notes = await asyncio.to_thread(segment.notes)
        try:
            await self._bring_once(segment.name, notes, self._write)
        except _UNACCEPTABLE:
            await self._bring_once(segment.name, notes, self._write_one_by_one)

    async def _bring_once(self, name: str, notes: list[Note], write: Writer) -> None:
        async with self._database.transaction() as session:
            if await session.get(SegmentRow, name):
                return
            session.add(SegmentRow(name=name, written_at=int(time.time())))
            await session.flush()
            await write(session, notes)
            gone = list(self._forgettable)
            await session.execute(delete(SegmentRow).where(SegmentRow.name.in_(gone)))
        del self._forgettable[: len(gone)]

    async def _write_one_by_one(self, session: AsyncSession, notes: list[Note]) -> None:
        """Leave out only what no database would take."""
        for note in notes:
            try:
                async with session.begin_nested():
                    await self._write(session, [note])
            except _UNACCEPTABLE as error:
                kind = type(error).__name__
                _log.error("A note (%s) cannot be kept: %s.", note.get("kind"), kind)

    def _append_kept(self) -> None:
        if not self._kept:
            return
        try:
            self._open = self._open or new_segment(self._folder)
            while self._kept:
                self._open.append(self._kept[0])
                self._kept_bytes -= len(self._kept.popleft())
            self._warned = False
            if self._open.size > _SEGMENT_BYTES:
                self._closed.append(self._open)
                self._open = None
        except OSError as error:
            if not self._warned:
                _log.warning(
                    "%s cannot be written (%s); notes wait in memory.", self._folder, error
                )
            self._warned = True
