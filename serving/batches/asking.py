"""A worker asks the gateway over HTTP, as any client does."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from onbrand.address import gateway_url
from onbrand.errors import UsageError
from onbrand.secrets import secret
from onbrand.workspace import Workspace
from serving.batches.hand import Answer, Reply
from serving.batches.lines import Line
from serving.batches.requests import ENDPOINT

GATEWAY_URL = "ONBRAND_GATEWAY_URL"
GATEWAY_KEY = "ONBRAND_GATEWAY_KEY"
_CONNECT_SECONDS = 5.0
_SPARE_SECONDS = 10.0
"""Beyond the gateway's own limit, so that its error arrives."""
_AWAY_SECONDS = 5.0
_REFUSED_SECONDS = 30.0
_log = logging.getLogger("onbrand.batches")


@asynccontextmanager
async def over_http(workspace: Workspace) -> AsyncIterator[Answer]:
    """Answers from the gateway at ONBRAND_GATEWAY_URL, or else the workspace's own.

    Raises:
        UsageError: that is no URL of HTTP.
    """
    settings = workspace.config.serving
    url = os.environ.get(GATEWAY_URL, "").rstrip("/") or gateway_url(settings)
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise UsageError(f"{GATEWAY_URL} is not a URL such as http://gateway:8080.")
    key = secret(GATEWAY_KEY)
    timeout = httpx.Timeout(settings.timeout_seconds + _SPARE_SECONDS, connect=_CONNECT_SECONDS)
    async with httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=timeout,
        limits=httpx.Limits(max_connections=None),
        trust_env=address.hostname not in ("127.0.0.1", "localhost", "::1"),
    ) as client:

        async def answer(line: Line) -> Reply:
            return await _ask(client, line.body, line.request_id)

        yield answer


async def _ask(client: httpx.AsyncClient, body: dict[str, Any], request_id: str) -> Reply:
    try:
        response = await client.post(ENDPOINT, json=body, headers={"X-Request-Id": request_id})
    except httpx.TimeoutException:
        return Reply(504, _error("The gateway did not answer in time.", "timeout"))
    except httpx.HTTPError:
        # It is being started again, or will be.
        message = f"No gateway answers at {client.base_url}."
        return Reply(503, _error(message, "gateway_unavailable"), _AWAY_SECONDS)
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        # The operator's mistake; those who made the batch can do nothing about it.
        _log.error("The gateway refuses this worker's key; set %s.", GATEWAY_KEY)
        return Reply(503, _error("The worker's key was refused.", "worker_key"), _REFUSED_SECONDS)
    try:
        content = response.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return Reply(502, _error("The gateway did not answer in JSON.", "gateway_failed"))
    return Reply(response.status_code, content, _retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else None


def _error(message: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "api_error", "param": None, "code": code}}
