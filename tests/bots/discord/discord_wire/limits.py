"""Rate limits with Discord's headers, and failures that a test orders.

https://docs.discord.com/developers/topics/rate-limits
"""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from discord_wire.errors import ApiError, answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NUMBER = re.compile(r"/\d{5,}")


@dataclass
class Request:
    """One call as it arrived; `status` once it was answered."""

    method: str
    path: str
    body: Any
    at: float
    status: int = 0


@dataclass
class Trouble:
    """What happens to the next `times` calls that `matches` finds.

    Args:
        matches: Regular expression over "METHOD /path".
        status: The answer; 0 breaks the TCP connection; None: the call goes on as usual.
        acted: The act is done first, only its answer is lost.
        wait: Seconds before anything happens; with `acted`, between the act and its answer.
    """

    matches: str
    status: int | None = 500
    times: int = 1
    body: dict[str, Any] = field(default_factory=lambda: {"code": 0, "message": "trouble"})
    headers: dict[str, str] = field(default_factory=dict)
    acted: bool = False
    wait: float = 0.0


@dataclass
class Bucket:
    """So many calls in so many seconds."""

    size: int
    seconds: float
    used: int = 0
    resets: float = 0.0


@dataclass
class Limits:
    """Counts calls by route and channel; what exceeds a bucket gets 429.

    `rules` are tried in order: a regular expression over "METHOD /route", calls and seconds.
    The usual ones are those that Discord is known to send for messages, reactions and typing.
    """

    rules: list[tuple[str, int, float]] = field(default_factory=list)
    log: list[Request] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    all_until: float = 0.0
    """Until then (monotonic) everything is refused: the global limit."""
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def as_discord(self) -> None:
        """The limits Discord is known to have."""
        self.rules = [
            (r"POST /channels/\d+/messages$", 5, 5.0),
            (r"PATCH /channels/\d+/messages/\d+$", 5, 5.0),
            (r"(PUT|DELETE) .*/reactions/", 1, 0.25),
            (r"POST /channels/\d+/typing$", 5, 5.0),
            (r"/webhooks/", 5, 2.0),
        ]

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v10")
        if path == request.path:  # the gateway and the CDN
            return await handler(request)
        text = await request.text()
        seen = Request(request.method, path, json.loads(text) if text else None, time.monotonic())
        self.log.append(seen)
        response = await self._answered(request, f"{request.method} {path}", handler)
        seen.status = response.status
        return response

    async def _answered(self, request: web.Request, call: str, handler: Handler) -> Any:
        if (left := self.all_until - time.monotonic()) > 0:
            return _too_many(left, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
        trouble = self._next_trouble(call)
        if trouble is not None and not trouble.acted:
            await asyncio.sleep(trouble.wait)
            if trouble.status is not None:
                return _fail(request, trouble)
        headers = self._spend(call)
        if headers.get("X-RateLimit-Remaining") == "-1":
            headers["X-RateLimit-Remaining"] = "0"
            return _too_many(float(headers["X-RateLimit-Reset-After"]), headers)
        try:
            response = await handler(request)
        except ApiError as error:
            response = error.response()
        if trouble is not None and trouble.acted:
            await asyncio.sleep(trouble.wait)
            return _fail(request, trouble)
        response.headers.update(headers)
        return response

    def _next_trouble(self, call: str) -> Trouble | None:
        trouble = next((each for each in self.troubles if re.search(each.matches, call)), None)
        if trouble is not None:
            trouble.times -= 1
            if trouble.times <= 0:
                self.troubles.remove(trouble)
        return trouble

    def _spend(self, call: str) -> dict[str, str]:
        rule = next((each for each in self.rules if re.search(each[0], call)), None)
        if rule is None:
            return {}
        name = hashlib.sha256(rule[0].encode()).hexdigest()[:32]
        major = re.match(r"\S+ /(channels|webhooks)/\d+", call)
        bucket = self._buckets.setdefault(
            f"{name}:{major and major[0].split(' ')[1]}", Bucket(rule[1], rule[2])
        )
        if time.monotonic() >= bucket.resets:
            bucket.used, bucket.resets = 0, time.monotonic() + bucket.seconds
        bucket.used += 1
        left = bucket.resets - time.monotonic()
        return {
            "X-RateLimit-Limit": str(bucket.size),
            "X-RateLimit-Remaining": str(max(bucket.size - bucket.used, -1)),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": name,
            "X-RateLimit-Scope": "user",
        }

    def calls(self, pattern: str) -> list[Request]:
        """The calls whose "METHOD /path" the regular expression finds."""
        return [each for each in self.log if re.search(pattern, f"{each.method} {each.path}")]


def _fail(request: web.Request, trouble: Trouble) -> web.Response:
    if not trouble.status and request.transport is not None:
        request.transport.abort()
    return answer(trouble.body, status=trouble.status or 500, headers=trouble.headers)


def _too_many(seconds: float, headers: dict[str, str]) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(seconds, 3),
        "global": "X-RateLimit-Global" in headers,
    }
    # "Via" tells Discord's own refusals from Cloudflare's.
    sent = {**headers, "Retry-After": str(int(seconds) + 1), "Via": "1.1 google"}
    return answer(body, status=429, headers=sent)
