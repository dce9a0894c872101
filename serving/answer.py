"""One answer: pieces from the engine, cut at stop texts, within a deadline."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from serving.api_errors import ApiError
from serving.engine_client import (
    Delta,
    EngineClient,
    EngineError,
    EngineRefusedError,
    EngineUnreachableError,
)
from serving.readiness import Readiness
from serving.schemas import Usage
from serving.stop_texts import StopCut


@dataclass
class Answer:
    """An answer under way; iterate `pieces()` once, then read how it ended."""

    client: EngineClient
    readiness: Readiness
    fields: dict[str, Any]
    request_id: str
    timeout_seconds: float
    finish_reason: str = field(default="stop", init=False)
    usage: Usage | None = field(default=None, init=False)

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The text, piece by piece, none of them empty.

        Raises:
            ApiError: 400, 502 or 504.
        """
        cut = StopCut(self.fields.get("stop", []))
        try:
            async with aclosing(self._deltas()) as deltas:
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

    async def _deltas(self) -> AsyncGenerator[Delta, None]:
        """The engine's deltas; raises TimeoutError once the whole answer is overdue."""
        deadline = asyncio.get_running_loop().time() + self.timeout_seconds
        async with aclosing(self.client.stream(self.fields, self.request_id)) as deltas:
            while True:
                # Around each wait, not around the loop: a timeout must not strike the consumer.
                async with asyncio.timeout_at(deadline):
                    try:
                        delta = await anext(deltas)
                    except StopAsyncIteration:
                        return
                yield delta

    def _as_api_error(self, error: EngineError) -> ApiError:
        if isinstance(error, EngineUnreachableError):
            self.readiness.reason = str(error)
        if isinstance(error, EngineRefusedError) and error.status not in (401, 403, 404):
            return ApiError(400, str(error), code="invalid_request")
        return ApiError(502, str(error), code="engine_failed")
