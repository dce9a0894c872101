"""A gateway that speaks the real one's API in the test's own event loop, and fails when told to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def echo(said: str) -> list[str]:
    """The pieces of the answer to what was said."""
    return ["You said", ": ", *(f"{word} " for word in said.split()), "."]


@dataclass
class FakeGateway:
    """Answers each question with `pieces`, unless `mode` says how to fail.

    Modes: well; stall (a first piece, then nothing); silent (nothing at all, not even a status);
    cut (half of a piece, then the connection ends); error (an error event after a piece); empty;
    429, 503 (with `retry_after`), 401, 400 (too long), html.
    """

    mode: str = "well"
    pieces: Callable[[str], list[str]] = echo
    pause: float = 0.0
    """Before each piece, seconds."""
    retry_after: str = "1"
    refusals: int = 10**9
    """After so many the gateway answers well again."""
    keeps_feedback: bool = True
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    abandoned: int = 0
    """Answers whose reader left."""
    port: int = 0
    """0: one that is free."""
    url: str = ""

    def asked(self) -> list[str]:
        """The last message of each request."""
        return [body["messages"][-1]["content"] for body in self.bodies]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["FakeGateway"]:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/feedback", self._feedback)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, shutdown_timeout=0.1)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(request.headers)
        if refusal := self._refusal():
            return refusal
        self.running += 1
        whole = False
        try:
            said = body["messages"][-1]["content"]
            response = await self._stream(request, said if isinstance(said, str) else "it")
            whole = True
            return response
        finally:
            self.running -= 1
            self.abandoned += not whole

    def _refusal(self) -> web.Response | None:
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        refusals = {
            "429": (429, "rate_limit_exceeded", headers),
            "503": (503, "queue_full", headers),
            "401": (401, "invalid_api_key", {}),
            "400": (400, "context_length_exceeded", {}),
        }
        if self.mode == "html":
            return web.Response(status=502, text="<h1>Bad gateway secret-inside</h1>")
        if self.mode not in refusals or self.refusals <= 0:
            return None
        self.refusals -= 1
        status, code, headers = refusals[self.mode]
        error = {"message": "secret-inside", "code": code, "type": "api_error", "param": None}
        return web.json_response({"error": error}, status=status, headers=headers)

    async def _stream(self, request: web.Request, said: str) -> web.StreamResponse:
        if self.mode == "silent":
            await asyncio.sleep(3600)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(event({"role": "assistant"}))
        for number, piece in enumerate([] if self.mode == "empty" else self.pieces(said)):
            if self.pause:
                await asyncio.sleep(self.pause)
            if self.mode == "cut" and number:
                await response.write(event({"content": piece})[:30])
                assert request.transport is not None
                request.transport.abort()
                return response
            await response.write(event({"content": piece}))
            if self.mode == "stall":
                while True:
                    await response.write(b": keep-alive\n\n")
                    await asyncio.sleep(0.05)
            if self.mode == "error" and number:
                await response.write(b'data: {"error": {"message": "secret-inside"}}\n\n')
                return response
        await response.write(event({}, "stop") + b"data: [DONE]\n\n")
        return response

    async def _feedback(self, request: web.Request) -> web.Response:
        if not self.keeps_feedback:
            return web.json_response({"error": {"message": "not kept"}}, status=404)
        self.feedback.append(await request.json())
        return web.json_response({"status": "kept"}, status=201)


def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"object": "chat.completion.chunk", "choices": [choice]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
