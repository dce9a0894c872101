"""A batch that is over: its lines become an output file and an error file."""

import json
import time
from collections import Counter
from typing import Any

from sqlalchemy import select, update

from serving.batches.files import CHUNK_BYTES, Files, delete_in_steps, show
from serving.batches.hold import Hold
from serving.batches.tables import BatchRow, ChunkRow, FileRow, LineRow

_PAGE_LINES = 100
_UPDATE_SECONDS = 60
_UNASKED = {
    "cancelled": (
        "batch_cancelled",
        "This request was not answered before the batch was cancelled.",
    ),
    "expired": ("batch_expired", "This request was not answered within the completion window."),
}


class _Writer:
    """A file of a batch, made when its first line is there."""

    def __init__(self, files: Files, batch: BatchRow, kind: str) -> None:
        self._files, self._batch, self._kind = files, batch, kind
        self._number, self._waiting = 0, b""
        self.row: FileRow | None = None

    async def write(self, hold: Hold, line: dict[str, Any]) -> None:
        # Escaped to ASCII: some clients take U+2028 in a text for the end of a line.
        self._waiting += json.dumps(line).encode() + b"\n"
        if len(self._waiting) >= CHUNK_BYTES:
            await self.flush(hold)

    async def flush(self, hold: Hold) -> None:
        if not self._waiting:
            return
        if self.row is None:
            name = f"{self._batch.id}_{self._kind}.jsonl"
            batch = self._batch
            self.row = await self._files.begin(
                batch.owner, "batch_output", name, batch.output_seconds
            )
        chunk = ChunkRow(file_id=self.row.id, number=self._number, content=self._waiting)
        async with hold.database.transaction() as session:
            session.add(chunk)
        self.row.bytes += len(self._waiting)
        self._number, self._waiting = self._number + 1, b""


async def finish(hold: Hold, batch: BatchRow, files: Files) -> Counter[str]:
    """Write the files of a batch and end it; how its lines ended.

    Raises:
        HoldLostError: another process does it.
        StoreUnavailableError: the database cannot be used; to be repeated.
    """
    mine = LineRow.batch_id == batch.id
    if batch.in_progress_at is None:  # its input was never wholly checked
        await delete_in_steps(hold.database, LineRow, mine)
    async with hold.database.transaction(_UPDATE_SECONDS) as session:
        unasked = LineRow.state.in_(("pending", "running"))
        await session.execute(update(LineRow).where(mine, unasked).values(state="unasked"))
    output, errors = _Writer(files, batch, "output"), _Writer(files, batch, "error")
    outcomes = await _write(hold, batch, output, errors)
    counts = {"completed": outcomes["done"], "failed": outcomes["failed"]}
    written = {
        f"{name}_file_id": writer.row.id
        for name, writer in (("output", output), ("error", errors))
        if writer.row
    }
    moment = {f"{batch.ending}_at": int(time.time())}
    async with hold.database.transaction() as session:
        for writer in (output, errors):
            if writer.row:
                await show(session, writer.row)
        await hold.change(
            session, status=batch.ending, holder="", held_until=0, **counts, **written, **moment
        )
    await delete_in_steps(hold.database, LineRow, mine)
    return outcomes


async def _write(hold: Hold, batch: BatchRow, output: _Writer, errors: _Writer) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    last = 0
    columns = (
        LineRow.number,
        LineRow.request_id,
        LineRow.custom_id,
        LineRow.state,
        LineRow.status_code,
        LineRow.response,
    )
    while True:
        page = (
            select(*columns)
            .where(LineRow.batch_id == batch.id, LineRow.number > last)
            .order_by(LineRow.number)
            .limit(_PAGE_LINES)
        )
        await hold.renew()
        async with hold.database.transaction() as session:
            rows = (await session.execute(page)).all()
        for row in rows:
            await (output if row.state == "done" else errors).write(hold, _line(row, batch.ending))
            outcomes[row.state] += 1
        if not rows:
            break
        last = rows[-1].number
    for writer in (output, errors):
        await writer.flush(hold)
    return outcomes


def _line(row: Any, ending: str) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/batch/request-output."""
    response, error = None, None
    if row.state == "unasked":
        code, message = _UNASKED[ending]
        error = {"code": code, "message": message}
    else:
        response = {
            "status_code": row.status_code,
            "request_id": row.request_id,
            "body": json.loads(row.response),
        }
    return {
        "id": row.request_id,
        "custom_id": json.loads(row.custom_id),
        "response": response,
        "error": error,
    }
