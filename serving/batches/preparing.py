"""A new batch: its input file becomes lines to ask, or the list of what is wrong with it."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from serving.api_errors import ApiError
from serving.batches.files import Files, delete_in_steps
from serving.batches.hold import Hold
from serving.batches.lines import LEASE_SECONDS
from serving.batches.requests import Problem, Request, lines_of, read_request
from serving.batches.tables import BatchRow, LineRow

_PAGE_LINES = 100
"""Few: between two pages the gateway serves people."""
_PAGE_CHARACTERS = 200_000
_MOST_ERRORS = 100
"""Reported; the others are likely of the same kind."""


@dataclass(frozen=True)
class Bounds:
    """How large a batch may be."""

    most_requests: int
    longest_line: int
    """Bytes."""


async def prepare(hold: Hold, batch: BatchRow, files: Files, bounds: Bounds) -> None:
    """Make the lines of a batch, a transaction each page; what an earlier try left is thrown away.

    Raises:
        HoldLostError: it was cancelled meanwhile.
        StoreUnavailableError: the database cannot be used; to be repeated.
    """
    await delete_in_steps(hold.database, LineRow, LineRow.batch_id == batch.id)
    total = 0
    errors: list[dict[str, Any]] = []
    try:
        await files.get(batch.owner, batch.input_file_id)
        total, errors = await _read(hold, batch, files, bounds)
        if not total and not errors:
            errors.append(Problem("empty_file", "The input file holds no requests.").at(None))
    except ApiError:
        errors.append(Problem("file_not_found", "The input file was deleted.").at(None))
    now = int(time.time())
    if errors:
        values: dict[str, Any] = {
            "status": "failed",
            "failed_at": now,
            "errors": json.dumps(errors),
        }
    else:
        values = {"status": "in_progress", "in_progress_at": now, "total": total}
    async with hold.database.transaction() as session:
        await hold.change(session, holder="", held_until=0, **values)
    if errors:
        await delete_in_steps(hold.database, LineRow, LineRow.batch_id == batch.id)


async def _read(
    hold: Hold, batch: BatchRow, files: Files, bounds: Bounds
) -> tuple[int, list[dict[str, Any]]]:
    seen: dict[str, int] = {}
    errors: list[dict[str, Any]] = []
    page: list[dict[str, Any]] = []
    number = characters = 0
    async for line in lines_of(files.content(batch.input_file_id), bounds.longest_line):
        number += 1
        if line is not None and not line.strip():
            continue
        found = _judge(line, number, seen, bounds)
        if isinstance(found, Problem):
            errors.append(found.at(number))
            if len(errors) == _MOST_ERRORS or found.code == "too_many_requests":
                break
        elif not errors:
            page.append(_row(batch.id, number, found))
            characters += len(found.body)
            if len(page) == _PAGE_LINES or characters > _PAGE_CHARACTERS:
                await _write(hold, page)
                page, characters = [], 0
        elif number % _PAGE_LINES == 0:
            await hold.renew()
    await _write(hold, page)
    return len(seen), errors


def _judge(
    line: bytes | None, number: int, seen: dict[str, int], bounds: Bounds
) -> Request | Problem:
    found = read_request(line, bounds.longest_line)
    if isinstance(found, Problem):
        return found
    if first := seen.get(found.custom_id):
        message = f"The custom_id of this line is that of line {first}; each has to be unique."
        return Problem("duplicate_custom_id", message, "custom_id")
    if len(seen) == bounds.most_requests:
        most = bounds.most_requests
        message = f"A batch holds {most} requests at most (batches.max_requests); split the file."
        return Problem("too_many_requests", message)
    seen[found.custom_id] = number
    return found


def _row(batch_id: str, number: int, request: Request) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "number": number,
        "request_id": f"batch_req_{secrets.token_hex(12)}",
        "custom_id": json.dumps(request.custom_id),
        "body": request.body,
        "state": "pending",
        "holder": "",
        "lease_until": 0,
        "not_before": 0,
        "attempts": 0,
    }


async def _write(hold: Hold, page: list[dict[str, Any]]) -> None:
    async with hold.database.transaction() as session:
        await hold.change(session, held_until=time.time() + LEASE_SECONDS)
        if page:
            await session.execute(insert(LineRow), page)
