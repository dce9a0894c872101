"""A file in the body of a request, bounded while it arrives."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from serving.api_errors import ApiError

_ENVELOPE_BYTES = 65_536
"""What multipart puts around a file, and the other fields."""
_FIELDS = 8

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string", "enum": ["batch"]},
                        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
                        "expires_after[seconds]": {
                            "type": "integer",
                            "minimum": 3600,
                            "maximum": 2_592_000,
                        },
                    },
                }
            }
        },
    }
}
"""Of the OpenAPI document: FastAPI would write it by itself, but also read the body unbounded."""


@asynccontextmanager
async def uploaded(request: Request, max_bytes: int) -> AsyncIterator[tuple[FormData, UploadFile]]:
    """The fields of a form and the file among them, which lies on disk when it is large.

    Raises:
        ApiError: 413 too large, 400 no such form.
    """
    kind = request.headers.get("Content-Type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise _no_form("the body has to be multipart/form-data")
    announced = request.headers.get("Content-Length", "")
    if announced.isascii() and announced.isdigit():
        _check_size(int(announced) - _ENVELOPE_BYTES, max_bytes)
    parser = MultiPartParser(
        request.headers, _bounded(request, max_bytes), max_files=1, max_fields=_FIELDS
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise _no_form("the body cannot be read as multipart/form-data") from error
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise _no_form("the field file is missing, or has no file name", "file")
        _check_size(file.size or 0, max_bytes)
        yield form, file
    finally:
        await form.close()


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for piece in request.stream():
        received += len(piece)
        _check_size(received - _ENVELOPE_BYTES, max_bytes)
        yield piece


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        message = f"The file is larger than the {max_bytes} bytes that batches.max_file_mb allows."
        raise ApiError(413, message, code="file_too_large", param="file")


def _no_form(what: str, param: str | None = None) -> ApiError:
    return ApiError(400, f"No file was handed in: {what}.", code="invalid_request", param=param)
