"""Answers in OpenAI's two shapes: one `chat.completion`, or a stream of `chat.completion.chunk`s.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from serving.answer import Answer
from serving.api_errors import ApiError


async def whole(answer: Answer, model: str) -> dict[str, Any]:
    """The answer as one `chat.completion`."""
    text = "".join([piece async for piece in answer.pieces()])
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
    return {**_head(answer, model, "chat.completion"), "choices": [choice], **_usage(answer)}


async def events(
    answer: Answer, pieces: AsyncGenerator[str, None], first: str, model: str, *, with_usage: bool
) -> AsyncGenerator[str, None]:
    """The answer as server-sent events.

    A failure in the middle becomes an event with OpenAI's error body, and `[DONE]` is not sent.

    Args:
        answer: The answer that `pieces` belongs to.
        pieces: Its pieces after the first.
        first: Its first piece; empty when there is none.
        model: The public model name.
        with_usage: Send the token counts in an event of their own at the end.
    """
    head = _head(answer, model, "chat.completion.chunk")

    def chunk(delta: dict[str, str], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event({**head, "choices": [choice]})

    async with aclosing(pieces):
        yield chunk({"role": "assistant", "content": first})
        try:
            async for piece in pieces:
                yield chunk({"content": piece})
        except ApiError as error:
            yield _event(error.body())
            return
        yield chunk({}, answer.finish_reason)
        if with_usage:
            yield _event({**head, "choices": [], **_usage(answer)})
        yield "data: [DONE]\n\n"


def _head(answer: Answer, model: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{answer.request_id}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
    }


def _usage(answer: Answer) -> dict[str, Any]:
    return {"usage": answer.usage.model_dump()} if answer.usage else {}


def _event(content: dict[str, Any]) -> str:
    # ASCII only: some readers end a line at U+2028 too.
    return f"data: {json.dumps(content)}\n\n"
