"""The gateway's chat API, streamed, for many conversations at once."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import httpx
from httpx_sse import EventSource, SSEError

from bots.conversation.messages import ChatMessage
from bots.gateway_wire import (
    CHAT,
    DONE,
    BrokenOffError,
    NotOursError,
    Pairs,
    checked,
    error_of,
    may_use_proxy,
    piece_of,
)
from bots.platform import Rating
from bots.retry_after import retry_after
from bots.streaming.failure import AnswerError, broken, refused, silent, unreachable
from onbrand.errors import OnbrandError

_CONNECT_SECONDS = 5.0
_FEEDBACK_SECONDS = 10.0
_TRY_AGAIN_SECONDS = 1.0
"""When nothing listens."""
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class Gateway:
    """Asks the gateway at `url`; close it when done.

    Args:
        url: Where it listens, without `/v1`.
        key: Of `onbrand keys create`; "" where it asks for none.
        connections: Answers at once, at most; others wait.
        silence_seconds: Longest wait for the next piece of an answer.
        patience_seconds: How long a busy gateway is asked again, in all.

    Raises:
        UsageError: `url` is no http or https URL.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        connections: int = 32,
        silence_seconds: float = 60.0,
        patience_seconds: float = 10.0,
    ) -> None:
        checked(url)
        self._silence_seconds = silence_seconds
        self._patience_seconds = patience_seconds
        self._places = asyncio.Semaphore(connections)
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            # The silence is measured from piece to piece, since comments keep a stream alive.
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None),
            trust_env=may_use_proxy(url),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def stream(
        self, messages: Sequence[ChatMessage], *, request_id: str, user: str
    ) -> AsyncGenerator[str, None]:
        """The answer, piece by piece; closing the generator stops the model.

        Args:
            messages: The conversation; the last one is what is to be answered.
            request_id: Names the answer at the gateway.
            user: Whose quota it is.

        Raises:
            AnswerError: with a sentence for the person who waits.
        """
        body = {"messages": list(messages), "stream": True}
        headers = {"X-Request-Id": request_id, "X-Onbrand-User": user}
        async with self._places:
            deadline = asyncio.get_running_loop().time() + self._patience_seconds
            while True:
                try:
                    async with aclosing(self._attempt(body, headers)) as pieces:
                        async for piece in pieces:
                            yield piece
                    return
                except AnswerError as error:
                    wait = error.again_after_seconds
                    now = asyncio.get_running_loop().time()
                    if wait is None or now + wait > deadline:
                        raise
                    _log.info("%s Asking again in %g s.", error, wait)
                await asyncio.sleep(wait)

    async def feedback(self, request_id: str, user: str, rating: Rating) -> bool:
        """Hand on what a person thinks of an answer; False: the gateway keeps no feedback.

        Raises:
            OnbrandError: it could not be handed on.
        """
        body = {"request_id": request_id, "rating": rating, "user": user}
        try:
            response = await self._http.post("/v1/feedback", json=body, timeout=_FEEDBACK_SECONDS)
        except httpx.HTTPError as error:
            raise OnbrandError(f"The gateway cannot be reached: {error!r}.") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return False
        if response.is_error:
            raise OnbrandError(f"The gateway refused feedback: {_error_of(response)[1]}")
        return True

    async def _attempt(
        self, body: dict[str, Any], headers: dict[str, str]
    ) -> AsyncGenerator[str, None]:
        """One request."""
        response = await self._opened(body, headers)
        try:
            events = EventSource(response).aiter_sse()
            pairs = Pairs()
            while event := await self._soon(anext(events, None)):
                if event.data == DONE:
                    return
                if piece := pairs.whole(piece_of(event.data)):
                    yield piece
        except (SSEError, NotOursError) as error:  # httpx counts the first among its own
            raise broken("it is not of an Onbrand gateway") from error
        except BrokenOffError as error:
            raise broken(str(error)) from error
        except httpx.HTTPError as error:
            raise broken(repr(error)) from error
        finally:
            await response.aclose()
        raise broken("it ended before [DONE]")

    async def _opened(self, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        """The response, its body still to come."""
        request = self._http.build_request("POST", CHAT, json=body, headers=headers)
        try:
            response = await self._soon(self._http.send(request, stream=True))
            if not response.is_error:
                return response
            await self._soon(response.aread())
        except httpx.HTTPError as error:
            raise unreachable(repr(error), _TRY_AGAIN_SECONDS) from error
        code, said = _error_of(response)
        again = retry_after(response.headers.get("Retry-After"))
        raise refused(response.status_code, code, said, again)

    async def _soon(self, awaited: Awaitable[_Result]) -> _Result:
        """Its result, unless the gateway is silent for too long."""
        try:
            async with asyncio.timeout(self._silence_seconds):
                return await awaited
        except TimeoutError as error:
            raise silent(self._silence_seconds) from error


def _error_of(response: httpx.Response) -> tuple[str, str]:
    """Code and message of a refusal."""
    try:
        return error_of(response)
    except NotOursError:
        return "", "it does not say why; is it an Onbrand gateway?"
