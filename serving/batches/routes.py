"""`/v1/files` and `/v1/batches`, as OpenAI's clients know them.

https://platform.openai.com/docs/api-reference/batch
https://platform.openai.com/docs/api-reference/files

The app that includes `router` sets `app.state.batches` (a `Batches`) and, by a dependency,
`request.state.owner`: the id of the key that asks, "" where no key is needed. Without an owner
nothing is answered. The app needs the handlers of `serving.api_errors` too.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.datastructures import FormData, UploadFile

from serving.api_errors import ApiError
from serving.batches.batches import Batches
from serving.batches.files import CHUNK_BYTES
from serving.batches.jobs import WINDOW, Wanted, batch_object
from serving.batches.requests import ENDPOINT
from serving.batches.tables import FileRow
from serving.batches.upload import BODY, uploaded

router = APIRouter(prefix="/v1")
_SHORTEST_SECONDS, _LONGEST_SECONDS = 3600, 2_592_000


def _batches(request: Request) -> Batches:
    batches: Batches = request.app.state.batches
    return batches


def _owner(request: Request) -> str:
    owner: str = request.state.owner
    return owner


InBatches = Annotated[Batches, Depends(_batches)]
Owner = Annotated[str, Depends(_owner)]


class Expiry(BaseModel):
    """How long a file is kept."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=_SHORTEST_SECONDS, le=_LONGEST_SECONDS)]


class BatchRequest(BaseModel):
    """Body of `POST /v1/batches`."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: (
        Annotated[
            dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
            Field(max_length=16),
        ]
        | None
    ) = None
    output_expires_after: Expiry | None = None


@router.post("/files", openapi_extra=BODY)
async def create_file(request: Request, batches: InBatches, owner: Owner) -> dict[str, Any]:
    """Hand in a file of requests."""
    async with uploaded(request, batches.max_file_bytes) as (form, file):
        if form.get("purpose") != "batch":
            message = 'purpose has to be "batch": files are for batches only here.'
            raise ApiError(400, message, code="invalid_purpose", param="purpose")
        name = file.filename or "input.jsonl"
        row = await batches.files.begin(owner, "batch", name, _expiry(form))
        await batches.files.fill(row, _pieces(file))
        await batches.files.finish(row)
    return _file_object(row)


@router.get("/files")
async def list_files(
    batches: InBatches,
    owner: Owner,
    purpose: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
) -> dict[str, Any]:
    """The files of this key."""
    newest_first = order == "desc"
    rows = await batches.files.page(owner, purpose, after, limit + 1, newest_first=newest_first)
    return _page([_file_object(row) for row in rows], limit)


@router.get("/files/{file_id}")
async def get_file(file_id: str, batches: InBatches, owner: Owner) -> dict[str, Any]:
    """About a file."""
    return _file_object(await batches.files.get(owner, file_id))


@router.get("/files/{file_id}/content", response_class=StreamingResponse)
async def get_content(file_id: str, batches: InBatches, owner: Owner) -> StreamingResponse:
    """What is in a file."""
    row = await batches.files.get(owner, file_id)
    headers = {
        "Content-Length": str(row.bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}",
    }
    return StreamingResponse(batches.files.content(row.id), 200, headers, "application/jsonl")


@router.delete("/files/{file_id}")
async def delete_file(file_id: str, batches: InBatches, owner: Owner) -> dict[str, Any]:
    """Delete a file; a batch that was made of it goes on."""
    row = await batches.files.get(owner, file_id)
    await batches.files.delete(row.id)
    return {"id": row.id, "object": "file", "deleted": True}


@router.post("/batches")
async def create_batch(body: BatchRequest, batches: InBatches, owner: Owner) -> dict[str, Any]:
    """Have the requests of a file answered."""
    if body.endpoint != ENDPOINT:
        message = f'endpoint has to be "{ENDPOINT}"; no other is served in batches.'
        raise ApiError(400, message, code="invalid_endpoint", param="endpoint")
    if body.completion_window != WINDOW:
        message = f'completion_window has to be "{WINDOW}".'
        raise ApiError(400, message, code="invalid_completion_window", param="completion_window")
    file = await batches.files.get(owner, body.input_file_id, "input_file_id")
    if file.purpose != "batch":
        message = 'The input file has to be one with purpose "batch".'
        raise ApiError(400, message, code="invalid_purpose", param="input_file_id")
    keep = body.output_expires_after.seconds if body.output_expires_after else None
    wanted = Wanted(body.input_file_id, body.endpoint, body.metadata or {}, keep)
    row = await batches.jobs.create(owner, wanted)
    batches.wake()
    return batch_object(row)


@router.get("/batches")
async def list_batches(
    batches: InBatches,
    owner: Owner,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict[str, Any]:
    """The batches of this key, newest first."""
    rows = await batches.jobs.page(owner, after, limit + 1)
    return _page([batch_object(row) for row in rows], limit)


@router.get("/batches/{batch_id}")
async def get_batch(batch_id: str, batches: InBatches, owner: Owner) -> dict[str, Any]:
    """How far a batch is."""
    return batch_object(await batches.jobs.get(owner, batch_id))


@router.post("/batches/{batch_id}/cancel")
async def cancel_batch(batch_id: str, batches: InBatches, owner: Owner) -> dict[str, Any]:
    """Stop a batch; what is answered is kept."""
    row = await batches.jobs.cancel(owner, batch_id)
    batches.wake()
    return batch_object(row)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(CHUNK_BYTES):
        yield piece


def _expiry(form: FormData) -> int | None:
    """Seconds the client wants its file kept."""
    given = form.get("expires_after[seconds]")
    if given is None:
        return None
    text = given if isinstance(given, str) else ""
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        message = f"A file can be kept {_SHORTEST_SECONDS} to {_LONGEST_SECONDS} seconds."
        raise ApiError(400, message, code="invalid_request", param="expires_after[seconds]")
    return seconds


def _file_object(row: FileRow) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/files/object."""
    return {
        "id": row.id,
        "object": "file",
        "bytes": row.bytes,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "filename": row.filename,
        "purpose": row.purpose,
        "status": "processed",
    }


def _page(objects: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """One page of a list; one object more than asked for says that there are others."""
    shown = objects[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(objects) > limit,
    }
