"""The lines of an input file: cut out of its pieces, and judged one by one.

https://platform.openai.com/docs/guides/batch#1-prepare-your-batch-file
"""

import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any

ENDPOINT = "/v1/chat/completions"
_LONGEST_ID = 512


@dataclass(frozen=True)
class Request:
    """A line that can be asked."""

    custom_id: str
    body: str
    """JSON."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line, in the fields of OpenAI's batch errors."""

    code: str
    message: str
    param: str | None = None

    def at(self, line: int | None) -> dict[str, Any]:
        """As an entry of a batch's `errors`."""
        return {
            "code": self.code,
            "line": line,
            "message": self.message,
            "param": self.param,
        }


async def lines_of(pieces: AsyncIterable[bytes], longest: int) -> AsyncIterator[bytes | None]:
    """The lines, without their ends; None for one of more than `longest` bytes."""
    rest, too_long = b"", False
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield None if too_long or len(line) > longest else line
            too_long = False
        if len(rest) > longest:
            rest, too_long = b"", True
    if rest or too_long:
        yield None if too_long or len(rest) > longest else rest


def read_request(line: bytes | None, longest: int) -> Request | Problem:
    """The request in a line, or what is wrong with it."""
    if line is None:
        message = f"This line has more than the {longest} bytes that serving.max_body_kb allows."
        return Problem("line_too_long", message)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Problem("invalid_json_line", "This line is not parseable as valid JSON.")
    if not isinstance(value, dict):
        return Problem("invalid_json_line", "This line is not a JSON object.")
    custom_id, body = value.get("custom_id"), value.get("body")
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _LONGEST_ID:
        message = f"custom_id has to be a text of 1 to {_LONGEST_ID} characters."
        return Problem("missing_required_parameter", message, "custom_id")
    if value.get("method") != "POST":
        return Problem("invalid_method", 'method has to be "POST".', "method")
    if value.get("url") != ENDPOINT:
        message = f'url has to be "{ENDPOINT}", as the endpoint of the batch.'
        return Problem("invalid_url", message, "url")
    if not isinstance(body, dict):
        return Problem("missing_required_parameter", "body has to be a JSON object.", "body")
    if body.get("stream"):
        return Problem("invalid_request", "The answers of a batch cannot be streamed.", "body")
    try:
        return Request(custom_id, json.dumps(body, allow_nan=False))
    except ValueError:
        return Problem("invalid_json_line", "JSON knows no numbers that are infinite or none.")
