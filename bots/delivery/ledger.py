"""What was asked and what became of it, in SQLite: ids, times and states, no word of anybody.

A question is `received`, then `answering` (something of the answer may be on the platform), then
`delivered`. Each step is written before what it announces is done, so that after a crash the state
says what may have happened.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bots.delivery.records import (
    SCHEMA,
    Admission,
    Closed,
    Open,
    Posted,
    asked_of,
    open_of,
    place_of,
    row_of,
)
from bots.platform import Ending
from bots.question import Asked, Place, Question
from onbrand.errors import OnbrandError

_BUSY_SECONDS = 10.0
_Result = TypeVar("_Result")


class Ledger:
    """The ledger of one bot; opened when made.

    One thread does all the work, each call as one transaction, in the order of the calls.

    Args:
        path: The file; made when it is not there.

    Raises:
        OnbrandError: it cannot be opened; the methods raise it when it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_new = not path.exists()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._thread.submit(_connect, path).result()
        except (sqlite3.Error, OSError) as error:
            self._thread.shutdown()
            raise self._failed(error) from error

    async def close(self) -> None:
        """Close the file, after all that was asked for."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown()

    async def admit(self, question: Question, *, if_we_spoke_there: bool = False) -> Admission:
        """Write a question down as received, unless its id or an event's is known.

        Args:
            question: Of which the ids are written.
            if_we_spoke_there: Only if something was asked of us in its thread before.
        """

        def work(db: sqlite3.Connection) -> Admission:
            if if_we_spoke_there and not _spoke(db, question.place):
                return Admission.STRANGE
            now = time.time()
            for event in question.event_ids:
                seen = db.execute("INSERT OR IGNORE INTO events VALUES (?, ?)", (event, now))
                if not seen.rowcount:
                    return Admission.KNOWN
            row = row_of(question, now)
            marks = ", ".join("?" * len(row))
            inserted = db.execute(f"INSERT OR IGNORE INTO questions VALUES ({marks})", row)  # noqa: S608
            return Admission.NEW if inserted.rowcount else Admission.KNOWN

        return await self._do(work)

    async def answering(self, question: Question, request_id: str) -> None:
        """From now on something of the answer may be on the platform."""
        await self._execute(
            "UPDATE questions SET state = 'answering', request_id = ? WHERE id = ? AND attempt = ?",
            request_id,
            question.id,
            question.attempt,
        )

    async def posted(
        self, question: Question, request_id: str, message_id: str, characters: int = 0
    ) -> None:
        """The platform accepted a message, or more of one."""
        await self._execute(
            "INSERT INTO posts VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (message_id)"
            " DO UPDATE SET characters = max(characters, excluded.characters)",
            message_id,
            question.id,
            question.attempt,
            request_id,
            characters,
        )

    async def delivered(
        self, question_id: str, attempt: int, ending: Ending | Closed, *, notice: bool = False
    ) -> None:
        """An attempt has come to its end.

        Args:
            question_id: Of the question.
            attempt: Which one.
            ending: How.
            notice: Its messages hold a sentence of the bot, and no answer.
        """

        def work(db: sqlite3.Connection) -> None:
            which = (question_id, attempt)
            db.execute(
                "UPDATE questions SET state = 'delivered', ending = ? WHERE id = ? AND attempt = ?",
                (ending, *which),
            )
            if notice:
                db.execute(
                    "UPDATE posts SET notice = 1 WHERE question_id = ? AND attempt = ?", which
                )

        await self._do(work)

    async def again(self, question_id: str) -> Asked | None:
        """Begin another attempt at a question whose last one did not succeed.

        None when there is no such question, or its answer is whole or under way: asked twice at
        once, one begins.
        """

        def work(db: sqlite3.Connection) -> Asked | None:
            row = db.execute(
                "UPDATE questions SET state = 'received', attempt = attempt + 1, received_at = ?"
                " WHERE id = ? AND state = 'delivered' AND ending NOT IN (?, ?, ?) RETURNING *",
                (time.time(), question_id, Ending.COMPLETE, Closed.STOP, Closed.REFUSED),
            ).fetchone()
            return asked_of(row) if row else None

        return await self._do(work)

    async def knows(self, question_id: str) -> bool:
        """Whether a question was received before."""

        def work(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT 1 FROM questions WHERE id = ?", (question_id,)).fetchone()
            return row is not None

        return await self._do(work)

    async def open(self) -> list[Open]:
        """What is not delivered, oldest first."""

        def work(db: sqlite3.Connection) -> list[Open]:
            rows = db.execute(
                "SELECT * FROM questions WHERE state != 'delivered' ORDER BY received_at"
            ).fetchall()
            posts = "SELECT * FROM posts WHERE question_id = ? ORDER BY rowid"
            return [open_of(row, db.execute(posts, (row["id"],)).fetchall()) for row in rows]

        return await self._do(work)

    async def answer_of(self, message_id: str) -> Posted | None:
        """The answer that a message belongs to; None when it is none, or is forgotten."""

        def work(db: sqlite3.Connection) -> Posted | None:
            row = db.execute(
                "SELECT posts.request_id, place FROM posts JOIN questions ON id = question_id"
                " WHERE message_id = ? AND NOT notice",
                (message_id,),
            ).fetchone()
            return Posted(row["request_id"], place_of(row)) if row else None

        return await self._do(work)

    async def notices(self, message_ids: Sequence[str]) -> set[str]:
        """Those of the messages that hold a sentence of the bot, and no answer."""

        def work(db: sqlite3.Connection) -> set[str]:
            rows = db.execute(
                "SELECT message_id FROM posts"
                " WHERE notice AND message_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(message_ids)),),
            )
            return {row[0] for row in rows}

        return await self._do(work)

    async def places(self, since: datetime) -> list[Place]:
        """Where something was asked since then, the latest first."""

        def work(db: sqlite3.Connection) -> list[Place]:
            rows = db.execute(
                "SELECT place, max(received_at) AS latest FROM questions WHERE received_at >= ?"
                " GROUP BY place_id ORDER BY latest DESC",
                (since.timestamp(),),
            )
            return [place_of(row) for row in rows]

        return await self._do(work)

    async def forget(self, before: datetime) -> None:
        """Delete what was delivered and came before then."""

        def work(db: sqlite3.Connection) -> None:
            old = (before.timestamp(),)
            which = "FROM questions WHERE received_at < ? AND state = 'delivered'"
            db.execute(f"DELETE FROM posts WHERE question_id IN (SELECT id {which})", old)  # noqa: S608
            db.execute(f"DELETE {which}", old)
            db.execute("DELETE FROM events WHERE at < ?", old)

        await self._do(work)

    async def _execute(self, statement: str, *values: str | int) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute(statement, values)

        await self._do(work)

    async def _do(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        def transaction() -> _Result:
            with self._db:
                return work(self._db)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, transaction)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> OnbrandError:
        return OnbrandError(f"{self._path}, the ledger of the bot, cannot be used: {error}.")


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    db.row_factory = sqlite3.Row
    # WAL: a write is one append. NORMAL: what was written survives the end of the process at
    # once, and that of the machine within a moment.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(SCHEMA)
    return db


def _spoke(db: sqlite3.Connection, place: Place) -> bool:
    statement = "SELECT 1 FROM questions WHERE place_id = ? AND ending != ? LIMIT 1"
    return db.execute(statement, (place.id, Closed.REFUSED)).fetchone() is not None
