"""One answer: a place in the queue, then the engine's pieces, within a deadline."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from serving.api_errors import ApiError, overloaded
from serving.engine.client import (
    EngineBusyError,
    EngineClient,
    EngineError,
    EngineRefusedError,
    EngineUnreachableError,
)
from serving.engine.delta import Delta, Usage
from serving.engine.readiness import Readiness
from serving.gateway.admission import Admission
from serving.gateway.answer_cache import AnswerCache, Known
from serving.gateway.stop_texts import StopCut
from serving.tracing import engine_step

_RESTART_SECONDS = 5


@dataclass
class Answer:
    """An answer under way; iterate `pieces()` once, then read how it ended."""

    client: EngineClient
    readiness: Readiness
    admission: Admission
    fields: dict[str, Any]
    request_id: str
    timeout_seconds: float
    queue_seconds: float
    cache: AnswerCache
    model_hash: str
    """Of the merged model; empty where nobody here knows it."""
    finish_reason: str = field(default="stop", init=False)
    usage: Usage | None = field(default=None, init=False)

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The text, piece by piece: an empty one when the queue is behind, then none that is empty.

        Raises:
            ApiError: 400, 502, 503 or 504.
        """
        if known := await self.cache.find(self.fields, self.model_hash):
            self.finish_reason, self.usage = known.finish_reason, known.usage
            yield ""
            if known.text:
                yield known.text
            return
        said = []
        async with aclosing(self._generated()) as pieces:
            async for piece in pieces:
                said.append(piece)
                yield piece
        known = Known(text="".join(said), finish_reason=self.finish_reason, usage=self.usage)
        await self.cache.keep(self.fields, self.model_hash, known)

    async def _generated(self) -> AsyncGenerator[str, None]:
        """The same from the engine."""
        now = asyncio.get_running_loop().time()
        deadline = now + self.timeout_seconds
        async with self.admission.place(min(deadline, now + self.queue_seconds)):
            yield ""
            left = deadline - asyncio.get_running_loop().time()
            cut = StopCut(self.fields.get("stop", []))
            try:
                async with aclosing(self._deltas(left)) as deltas:
                    async for delta in deltas:
                        self.finish_reason = delta.finish_reason or self.finish_reason
                        self.usage = delta.usage or self.usage
                        if shown := cut.feed(delta.text):
                            yield shown
            except TimeoutError as error:
                message = f"The engine did not finish within {self.timeout_seconds:g} seconds."
                raise ApiError(504, message, code="timeout") from error
            except EngineError as error:
                raise self._as_api_error(error) from error
            if rest := cut.rest():
                yield rest
            if cut.stopped:
                self.finish_reason = "stop"

    async def _deltas(self, seconds: float) -> AsyncGenerator[Delta, None]:
        """What the engine says, as a step of the request's trace."""
        with engine_step(self.fields.get("model", ""), self.request_id) as step:
            stream = self.client.stream(
                self.fields, self.request_id, seconds=seconds, headers=step.headers
            )
            async with aclosing(stream) as deltas:
                async for delta in deltas:
                    if delta.usage:
                        step.set("gen_ai.usage.input_tokens", delta.usage.prompt_tokens)
                        step.set("gen_ai.usage.output_tokens", delta.usage.completion_tokens)
                    yield delta

    def _as_api_error(self, error: EngineError) -> ApiError:
        if isinstance(error, EngineUnreachableError):
            # It is being started again, or will be: worth another try, unlike a failure.
            self.readiness.reason = str(error)
            return overloaded(str(error), "engine_unavailable", _RESTART_SECONDS)
        if isinstance(error, EngineBusyError):
            return overloaded(str(error), "engine_overloaded", error.retry_after)
        if isinstance(error, EngineRefusedError) and error.status not in (401, 403, 404):
            return ApiError(400, str(error), code="invalid_request")
        return ApiError(502, str(error), code="engine_failed")
