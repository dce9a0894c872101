"""Talk to the engine: one streamed generation at a time, and what can go wrong with it."""

import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from serving.engine.delta import Delta, Usage
from serving.engine.events import NoEventsError, batches
from serving.engine.protocol import Engine, is_loopback

_CONNECT_SECONDS = 5.0
_RUNNING = "vllm:num_requests_running"
_BUSY = (429, 503)
_BUSY_SECONDS = 5
_LONGEST_BUSY_SECONDS = 60


class EngineError(Exception):
    """The engine gave no (whole) answer; the message is one sentence without its own details."""


class EngineUnreachableError(EngineError):
    """No connection: it is not up yet, or not any more."""


class EngineBusyError(EngineError):
    """It is there and has no room now (429, 503): the same request will do better later."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds."""


class EngineRefusedError(EngineError):
    """It understood and said no (4xx): the same request will not do better later."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class EngineClient:
    """HTTP connections to one engine; made by `connect`."""

    def __init__(self, engine: Engine, http: aiohttp.ClientSession, timeout_seconds: float) -> None:
        self.engine = engine
        self.timeout_seconds = timeout_seconds
        """Longest wait for each piece of an answer, where a request sets no time for the whole."""
        self.heard_at = monotonic()
        """When something that took work last came from the engine, seconds of `monotonic`."""
        self.names: Mapping[str, str] = {}
        """The engine's own names of adapters that requests call otherwise."""
        self._http = http
        self._model = engine.model

    async def stream(
        self,
        fields: dict[str, Any],
        request_id: str | None = None,
        *,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """Generate, piece by piece; closing the iterator closes the connection to the engine.

        Pieces that arrive together are one: an engine faster than its readers costs no more.

        Args:
            fields: OpenAI's fields of a streamed chat completion; a model only for an adapter.
            request_id: Sent along as X-Request-Id.
            seconds: Longest wait for the whole answer; None: as long as pieces keep coming.
            headers: Sent along, too.

        Raises:
            EngineUnreachableError: no connection.
            EngineBusyError: it answered with 429 or 503.
            EngineRefusedError: it answered with another 4xx.
            EngineError: any other answer than a whole stream.
            TimeoutError: it took too long.
        """
        adapter = fields.get("model")
        body = {
            **fields,
            "model": self.names.get(adapter, adapter) if adapter else await self._model_name(),
            **self.engine.extra_fields(fields.get("temperature", 1.0)),
        }
        sent = {**(headers or {}), **({"X-Request-Id": request_id} if request_id else {})}
        ended = False
        with _explained(self.engine):
            each = None if seconds else self.timeout_seconds
            timeout = _timeout(seconds, each)
            async with self._http.post(
                "chat/completions", json=body, headers=sent, timeout=timeout
            ) as response:
                await _check_status(response)
                if response.content_type != "text/event-stream":
                    raise EngineError(_not_openai(self.engine))
                async for batch in batches(response.content.iter_any()):
                    delta = self._read(batch)
                    ended = ended or delta.finish_reason is not None
                    if delta.text or delta.finish_reason:  # a server greets before it works
                        self.heard_at = monotonic()
                    yield delta
                    if batch[-1] == "[DONE]":
                        break
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

    async def running(self) -> int | None:
        """How many requests the engine works on now; None: it does not tell.

        Raises:
            EngineError: it tells, but not now.
        """
        if not self.engine.metrics_url:
            return None
        with _explained(self.engine):
            async with self._http.get(self.engine.metrics_url) as response:
                await _check_status(response)
                families = text_string_to_metric_families(await response.text())
        return sum(
            int(sample.value)
            for family in families
            if family.name == _RUNNING
            for sample in family.samples
        )

    async def _model_name(self) -> str:
        """The configured name, or the first that the engine lists."""
        if not self._model:
            with _explained(self.engine):
                async with self._http.get("models") as response:
                    await _check_status(response)
                    content = await response.read()
            try:
                self._model = str(json.loads(content)["data"][0]["id"])
            except (ValueError, LookupError, TypeError) as error:
                where = f"{self.engine.base_url}/models"
                raise EngineError(f"{where} lists no model in OpenAI's format.") from error
        return self._model

    def _read(self, batch: list[str]) -> Delta:
        """The content of some `chat.completion.chunk`s, as one."""
        text, finish_reason, usage = "", None, None
        for data in batch:
            if data == "[DONE]":
                break
            if data.startswith('{"error"'):
                # Not always valid JSON: transformers' server does not escape the message.
                raise EngineError("The engine failed in the middle of the answer.")
            try:
                chunk = json.loads(data)
                if chunk.get("usage"):
                    usage = Usage.model_validate(chunk["usage"])
                if chunk["choices"]:
                    choice = chunk["choices"][0]
                    text += choice["delta"].get("content") or ""
                    finish_reason = choice.get("finish_reason") or finish_reason
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise EngineError(_not_openai(self.engine)) from error
        return Delta(text, finish_reason, usage)


@asynccontextmanager
async def connect(engine: Engine, timeout_seconds: float) -> AsyncIterator[EngineClient]:
    """A client for `engine` that waits `timeout_seconds` at most for each piece of an answer."""
    headers = {"Authorization": f"Bearer {engine.api_key}"} if engine.api_key else {}
    # The engine queues; a second queue here would only hide its length. Idle connections go before
    # uvicorn, after 5 s, closes them under a request.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=3)
    async with aiohttp.ClientSession(
        base_url=engine.base_url.rstrip("/") + "/",
        headers=headers,
        timeout=_timeout(timeout_seconds),
        connector=connector,
        trust_env=not is_loopback(engine.base_url),
    ) as http:
        yield EngineClient(engine, http, timeout_seconds)


def _timeout(whole: float | None, each: float | None = None) -> aiohttp.ClientTimeout:
    """Seconds for a whole answer, or for each piece of it; little of them to connect."""
    connect = min(_CONNECT_SECONDS, whole or each or _CONNECT_SECONDS)
    return aiohttp.ClientTimeout(total=whole, sock_connect=connect, sock_read=each)


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Turn what aiohttp and the reader of events raise into `EngineError`s."""
    try:
        yield
    except NoEventsError as error:
        raise EngineError(_not_openai(engine)) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        failure = engine.failure() or f"No engine answers at {engine.base_url}."
        raise EngineUnreachableError(failure) from error
    except TimeoutError as error:  # aiohttp's own, too
        raise TimeoutError from error
    except aiohttp.ClientError as error:
        raise EngineError(engine.failure() or "The connection to the engine broke.") from error


def _not_openai(engine: Engine) -> str:
    return f"{engine.base_url} answered with something that is not OpenAI's format."


async def _check_status(response: aiohttp.ClientResponse) -> None:
    if response.status < 400:
        return
    if response.status in (400, 413, 422):
        # About the request itself (too long, say): worth passing on.
        said = _error_message((await response.read()).decode(errors="replace"))
        raise EngineRefusedError(f"The engine refused the request: {said}", response.status)
    message = f"The engine answered with HTTP status {response.status}."
    if response.status in _BUSY:
        raise EngineBusyError(message, _retry_after(response))
    if response.status in (401, 403, 404):
        raise EngineRefusedError(message, response.status)
    raise EngineError(message)


def _retry_after(response: aiohttp.ClientResponse) -> int:
    """Seconds; bounded, since people wait and a batch stands still for so long."""
    given = response.headers.get("Retry-After", "")
    if not (given.isascii() and given.isdigit()):  # not given, or a date, which nobody sends
        return _BUSY_SECONDS
    return math.ceil(min(max(float(given), 1), _LONGEST_BUSY_SECONDS))


def _error_message(body: str) -> str:
    """What an error body says: OpenAI's shape, FastAPI's `detail`, or the text itself."""
    try:
        content = json.loads(body)
        message = content["error"]["message"] if "error" in content else content["detail"]
    except (ValueError, KeyError, TypeError):
        message = body
    return str(message)[:500]
