"""What is noted of one request: for its limits, for the operator, usage and talk where wanted."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from serving.api_errors import ApiError, over_quota
from serving.gateway.access import Caller
from serving.gateway.answer import Answer
from serving.gateway.schemas import ChatRequest
from serving.gateway.state import Gateway

_log = logging.getLogger("onbrand.gateway.talk")


class Ledger:
    """Counts a request, watches the pieces of its answer and writes down the sums at the end."""

    def __init__(
        self, gateway: Gateway, caller: Caller, user: str, body: ChatRequest, answer: Answer
    ) -> None:
        self._gateway = gateway
        self._caller = caller
        self._user = user
        self._body = body
        self._answer = answer
        self._said: list[str] = []
        self._ticket = uuid.uuid4().hex

    async def watch(self) -> AsyncGenerator[str, None]:
        """The pieces of the answer, as they are.

        Raises:
            ApiError: 429: its user or key has used up a limit; or what the answer raises.
        """
        await self._take()
        metrics = self._gateway.parts.metrics
        asked = time.monotonic()
        first = last = 0.0
        finished = False
        try:
            async with aclosing(self._answer.pieces()) as pieces:
                async for piece in pieces:
                    if not piece:
                        metrics.queued(time.monotonic() - asked)
                    else:
                        last = time.monotonic()
                        if not first:
                            first = last
                            metrics.first_token(first - asked)
                        self._said.append(piece)
                    yield piece
            finished = True
        except (GeneratorExit, asyncio.CancelledError):
            # The reader left: while this was read, or, more often, while it waited for a piece.
            metrics.aborted()
            raise
        except ApiError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not self._said:
                await self._give_back()
            raise
        finally:
            self._note(last - first, finished)

    async def _take(self) -> None:
        """Count the request, unless a limit is used up."""
        quota, caller = self._gateway.parts.quota, self._caller
        if quota is None:
            return
        refused = await quota.take(self._user, caller.key_id, caller.per_minute, self._ticket)
        if refused:
            raise over_quota(refused.message, refused.retry_after)

    async def _give_back(self) -> None:
        """Count it no more: nothing came of it, and that was not its fault."""
        quota, caller = self._gateway.parts.quota, self._caller
        if quota is not None:
            await quota.give_back(self._user, caller.key_id, caller.per_minute, self._ticket)

    def _note(self, seconds: float, finished: bool) -> None:
        """Write down what it cost, also of an answer that was broken off: the work was done."""
        text = "".join(self._said)
        if not text and not finished:
            return
        usage = self._answer.usage
        count = self._gateway.context.count
        if usage:
            prompt, completion = usage.prompt_tokens, usage.completion_tokens
        else:
            prompt = sum(count(message["content"]) for message in self._answer.fields["messages"])
            completion = count(text)
        parts = self._gateway.parts
        parts.metrics.generated(prompt, completion, seconds)
        if parts.quota:
            parts.quota.spent(self._user, prompt + completion)
        if parts.store:
            model = self._answer.fields.get("model") or self._gateway.model
            parts.store.usage.record(
                user=self._user,
                key_id=self._caller.key_id,
                model=model,
                prompt_tokens=prompt,
                completion_tokens=completion,
            )
            parts.store.conversations.record(
                request_id=self._answer.request_id,
                user=self._user,
                messages=[message.model_dump() for message in self._body.messages],
                answer=text,
            )
        if self._gateway.settings.log_messages:
            question = self._body.messages[-1].content
            _log.info("%s %r -> %r", self._answer.request_id, question, text)
