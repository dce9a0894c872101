"""What the tests of serving and bots share: servers in threads, one of which misbehaves."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from onbrand.artifact import Manifest, folder_hash, now, write_manifest
from onbrand.config import Brand, Serving

BRAND = Brand(name="Saltmarsh & Sons", persona="Speak plainly.")
SETTINGS = Serving(max_tokens=8, temperature=0.7, timeout_seconds=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def put_merged(root: Path, model: Path) -> str:
    """The model folder `model` as the verified `models/merged` of workspace `root`; its hash."""
    merged = root / "models" / "merged"
    merged.mkdir(parents=True)
    for file in model.iterdir():
        (merged / file.name).symlink_to(file)
    output_hash = folder_hash(merged)
    manifest = Manifest(
        command="merge",
        config_hash="",
        output_hash=output_hash,
        started_at=now(),
        finished_at=now(),
    )
    write_manifest(merged, manifest)
    verification = json.dumps({"passed": True, "merged": output_hash})
    (root / "models" / "merged-verification.json").write_text(verification)
    return output_hash


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The app on a loopback port, in a thread; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, ws="none", log_level="error", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def wait_ready(url: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while (answer := httpx.get(f"{url}/ready", trust_env=False)).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


@dataclass
class MisbehavingEngine:
    """An OpenAI server that fails in the way `mode` names."""

    mode: str = "well"
    words: list[str] = field(
        default_factory=lambda: ["Salt", " and", " pepper", "\u2028", " STOP", " here"]
    )
    pause: float = 0.0
    """Between two words, seconds."""
    retry_after: str = ""
    """Sent with the modes 429 and 503, unless it is empty."""
    running: int = 0
    """Answers under way."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the chat requests, oldest first."""
    headers: list[dict[str, str]] = field(default_factory=list)
    abandoned: threading.Event = field(default_factory=threading.Event)
    """Set when a client left before its answer was whole."""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"object": "list", "data": [{"id": "first-model"}, {"id": "second-model"}]}

        @app.post("/v1/chat/completions")
        async def chat(request: Request) -> Response:
            self.seen.append(await request.json())
            self.headers.append(dict(request.headers))
            match self.mode:
                case "500":
                    return JSONResponse({"error": {"message": "secret-inside"}}, 500)
                case "429" | "503":
                    headers = {"Retry-After": self.retry_after} if self.retry_after else {}
                    error = {"message": "busy secret-inside"}
                    return JSONResponse({"error": error}, int(self.mode), headers)
                case "401":
                    return JSONResponse({"error": {"message": "bad key secret-inside"}}, 401)
                case "too long":
                    return JSONResponse({"error": {"message": "9 tokens are too many"}}, 400)
                case "html":
                    return HTMLResponse("<h1>Welcome</h1>")
            return StreamingResponse(self._stream(), media_type="text/event-stream")

        return app

    async def _stream(self) -> AsyncIterator[str]:
        whole = False
        self.running += 1
        try:
            if self.mode == "hang":
                await asyncio.sleep(60)
            yield _chunk({"role": "assistant"})
            if self.mode == "not json":
                yield "data: {oops\n\n"
            if self.mode == "error event":
                yield 'data: {"error": "it said "no" to that"}\n\n'
                return
            for word in self.words:
                await asyncio.sleep(self.pause)
                yield _chunk({"content": word})
                if self.mode == "cut":
                    return
            while self.mode == "endless":
                await asyncio.sleep(0.05)
                yield _chunk({"content": "!"})
            yield _chunk({}, "stop")
            yield 'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, '
            yield '"total_tokens": 3}}\n\n'
            yield "data: [DONE]\n\n"
            whole = True
        finally:
            self.running -= 1
            if not whole:
                self.abandoned.set()


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\n\n"
