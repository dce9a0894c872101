"""Talk to the engine: one streamed generation at a time, and what can go wrong with it."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from serving.engine import Engine, is_loopback
from serving.schemas import Usage

_CONNECT_SECONDS = 5.0


class EngineError(Exception):
    """The engine gave no (whole) answer; the message is one sentence without its own details."""


class EngineUnreachableError(EngineError):
    """No connection: it is not up yet, or not any more."""


class EngineRefusedError(EngineError):
    """It understood and said no (4xx): the same request will not do better later."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Delta:
    """A piece of an answer; the last ones carry how it ended and what it cost."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


class EngineClient:
    """HTTP connections to one engine; made by `connect`."""

    def __init__(self, engine: Engine, http: httpx.AsyncClient) -> None:
        self.engine = engine
        self._http = http
        self._model = engine.model

    async def stream(
        self, fields: dict[str, Any], request_id: str | None = None
    ) -> AsyncGenerator[Delta, None]:
        """Generate, piece by piece; closing the iterator closes the connection to the engine.

        Args:
            fields: OpenAI's fields of a streamed chat completion, without the model.
            request_id: Sent along as X-Request-Id.

        Raises:
            EngineUnreachableError: no connection.
            EngineRefusedError: it answered with 4xx.
            EngineError: any other answer than a whole stream.
        """
        body = {
            "model": await self._model_name(),
            **fields,
            **self.engine.extra_fields(fields.get("temperature", 1.0)),
        }
        headers = {"X-Request-Id": request_id} if request_id else {}
        with _explained(self.engine):
            async with self._http.stream(
                "POST", "chat/completions", json=body, headers=headers
            ) as response:
                await _check_status(response)
                ended = False
                async for event in EventSource(response).aiter_sse():
                    if event.data == "[DONE]":
                        break
                    delta = self._read_chunk(event.data)
                    ended = ended or delta.finish_reason is not None
                    yield delta
        if not ended:
            raise EngineError("The engine's answer was cut off.")

    async def probe(self) -> None:
        """Have it generate one token; raises what `stream` raises."""
        fields = {
            "messages": [{"role": "user", "content": "Hello"}],
            "max_tokens": 1,
            "temperature": 0.0,
            "stream": True,
        }
        async for _ in self.stream(fields):
            pass

    async def _model_name(self) -> str:
        """The configured name, or the first that the engine lists."""
        if not self._model:
            with _explained(self.engine):
                response = await self._http.get("models")
                await _check_status(response)
            try:
                self._model = str(response.json()["data"][0]["id"])
            except (ValueError, LookupError, TypeError) as error:
                raise EngineError(f"{response.url} lists no model in OpenAI's format.") from error
        return self._model

    def _read_chunk(self, data: str) -> Delta:
        """The content of one `chat.completion.chunk`."""
        if data.startswith('{"error"'):
            # Not always valid JSON: transformers' server does not escape the message.
            raise EngineError("The engine failed in the middle of the answer.")
        try:
            chunk = json.loads(data)
            usage = Usage.model_validate(chunk["usage"]) if chunk.get("usage") else None
            if not chunk["choices"]:
                return Delta(usage=usage)
            choice = chunk["choices"][0]
            return Delta(choice["delta"].get("content") or "", choice.get("finish_reason"), usage)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise EngineError(_not_openai(self.engine)) from error


@asynccontextmanager
async def connect(engine: Engine, timeout_seconds: float) -> AsyncIterator[EngineClient]:
    """A client for `engine` that waits `timeout_seconds` at most for each piece of an answer."""
    headers = {"Authorization": f"Bearer {engine.api_key}"} if engine.api_key else {}
    async with httpx.AsyncClient(
        base_url=engine.base_url,
        headers=headers,
        timeout=httpx.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds)),
        # The engine queues; a second queue here would only hide its length.
        limits=httpx.Limits(max_connections=None),
        trust_env=not is_loopback(engine.base_url),
    ) as http:
        yield EngineClient(engine, http)


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Turn what httpx and the SSE reader raise into `EngineError`s, timeouts into TimeoutError."""
    try:
        yield
    except SSEError as error:  # httpx counts it among its own
        raise EngineError(_not_openai(engine)) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        failure = engine.failure() or f"No engine answers at {engine.base_url}."
        raise EngineUnreachableError(failure) from error
    except httpx.TimeoutException as error:
        raise TimeoutError from error
    except httpx.HTTPError as error:
        raise EngineError(engine.failure() or "The connection to the engine broke.") from error


def _not_openai(engine: Engine) -> str:
    return f"{engine.base_url} answered with something that is not OpenAI's format."


async def _check_status(response: httpx.Response) -> None:
    if response.status_code < 400:
        return
    if response.status_code in (400, 413, 422):
        # About the request itself (too long, say): worth passing on.
        said = _error_message((await response.aread()).decode(errors="replace"))
        raise EngineRefusedError(f"The engine refused the request: {said}", response.status_code)
    message = f"The engine answered with HTTP status {response.status_code}."
    if response.status_code in (401, 403, 404):
        raise EngineRefusedError(message, response.status_code)
    raise EngineError(message)


def _error_message(body: str) -> str:
    """What an error body says: OpenAI's shape, FastAPI's `detail`, or the text itself."""
    try:
        content = json.loads(body)
        message = content["error"]["message"] if "error" in content else content["detail"]
    except (ValueError, KeyError, TypeError):
        message = body
    return str(message)[:500]
