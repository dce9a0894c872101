"""What the tests of batches share: a gateway with a script in the place of an engine."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from openai import OpenAI
from openai.types import Batch

from gateway_harness import running
from onbrand.workspace import Workspace
from serving.api_errors import install_error_handlers
from serving.batches.batches import make_batches
from serving.batches.hand import Reply
from serving.batches.lines import Line
from serving.batches.requests import ENDPOINT
from serving.gateway.parts import in_background
from serving.store.database import open_database

OVER = ("completed", "failed", "expired", "cancelled")


def echo(body: dict[str, Any], asked_before: int) -> Reply:
    return Reply(200, {"choices": [{"message": {"content": body["messages"][0]["content"]}}]})


@dataclass
class Script:
    """Answers, and remembers what was asked."""

    reply: Callable[[dict[str, Any], int], Reply] = echo
    pause: float = 0.0
    """Before each answer, seconds."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often, by what was said."""
    most_at_once: int = 0
    under_way: int = 0
    stopped: int = 0
    """Answers that were not waited for."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def answer(self, body: dict[str, Any], request_id: str) -> Reply:
        said = body["messages"][0]["content"]
        with self.lock:
            before = self.asked[said]
            self.asked[said] += 1
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.pause)
            return self.reply(body, before)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        finally:
            self.under_way -= 1


@contextmanager
def gateway(workspace: Workspace, script: Script) -> Iterator[OpenAI]:
    """A client of a running gateway; the key it uses is the owner of what it makes."""
    with running(batch_app(workspace, script)) as url:
        yield client_of(url)


def client_of(url: str, key: str = "one") -> OpenAI:
    http = httpx.Client(trust_env=False)
    return OpenAI(base_url=f"{url}/v1", api_key=key, http_client=http, max_retries=0)


def batch_app(workspace: Workspace, script: Script) -> FastAPI:
    from serving.batches.routes import router

    async def answer(line: Line) -> Reply:
        return await script.answer(line.body, line.request_id)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_database(workspace) as database:
            app.state.batches = make_batches(workspace, database, answer)
            async with in_background([app.state.batches.run()]):
                yield

    async def set_owner(request: Request) -> None:
        request.state.owner = request.headers.get("Authorization", "").removeprefix("Bearer ")

    app = FastAPI(lifespan=lifespan)
    install_error_handlers(app)
    app.include_router(router, dependencies=[Depends(set_owner)])

    @app.post(ENDPOINT)
    async def chat(request: Request) -> Response:
        """For workers, who ask over HTTP."""
        reply = await script.answer(await request.json(), request.headers["X-Request-Id"])
        headers = {} if reply.retry_after is None else {"Retry-After": f"{reply.retry_after:.0f}"}
        return JSONResponse(reply.body, reply.status, headers)

    return app


def line(custom_id: str, said: str | None = None, **changes: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": said or f"say {custom_id}"}]}
    return {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body} | changes


def jsonl(lines: list[Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in lines).encode()


def submit(client: OpenAI, lines: list[Any] | bytes) -> Batch:
    content = lines if isinstance(lines, bytes) else jsonl(lines)
    file = client.files.create(file=("input.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h", metadata={"for": "test"}
    )


def wait(
    client: OpenAI, batch: Batch, until: Callable[[Batch], bool] | None = None, seconds: float = 40
) -> Batch:
    """The batch once it is over, or once something else is true of it."""
    deadline = time.monotonic() + seconds
    while True:
        now = client.batches.retrieve(batch.id)
        if until(now) if until else now.status in OVER:
            return now
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


def output(client: OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(one) for one in client.files.content(file_id).text.splitlines()]


def content_of(answered: dict[str, Any]) -> str:
    said: str = answered["response"]["body"]["choices"][0]["message"]["content"]
    return said
