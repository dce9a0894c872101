"""Answers in OpenAI's two shapes: one `chat.completion`, or a stream of `chat.completion.chunk`s.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from serving.api_errors import ApiError
from serving.gateway.answer import Answer


async def whole(answer: Answer, pieces: AsyncIterator[str], model: str) -> dict[str, Any]:
    """The answer as one `chat.completion`."""
    text = "".join([piece async for piece in pieces])
    # OpenAI's schema requires the empty ones too; clients made from it check for them.
    message = {"role": "assistant", "content": text, "refusal": None}
    ended = {"logprobs": None, "finish_reason": answer.finish_reason}
    choice = {"index": 0, "message": message, **ended}
    return {**_head(answer, model, "chat.completion"), "choices": [choice], **_usage(answer)}


async def events(
    answer: Answer, pieces: AsyncIterator[str], model: str, *, with_usage: bool
) -> AsyncGenerator[str, None]:
    """The answer as server-sent events.

    A failure in the middle becomes an event with OpenAI's error body, and `[DONE]` is not sent.

    Args:
        answer: The answer that `pieces` belongs to.
        pieces: Its pieces.
        model: The public name of the model or adapter.
        with_usage: Send the token counts in an event of their own at the end; all others then say
            `"usage": null`.
    """
    head = _head(answer, model, "chat.completion.chunk") | ({"usage": None} if with_usage else {})
    # Only the piece changes from event to event: the rest is written out once.
    opening, closing = _around({**head, "choices": [_choice({"content": ""})]})
    yield _event({**head, "choices": [_choice({"role": "assistant", "content": ""})]})
    try:
        async for piece in pieces:
            yield f"{opening}{json.dumps(piece)}{closing}"
    except ApiError as error:
        yield _event(error.body())
        return
    yield _event({**head, "choices": [_choice({}, answer.finish_reason)]})
    if with_usage:
        yield _event({**head, "choices": [], **_usage(answer)})
    yield "data: [DONE]\n\n"


def _choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _around(content: dict[str, Any]) -> tuple[str, str]:
    """What stands before and behind the content of an event's one choice."""
    before, _, after = _event(content).rpartition('{"content": ""}')
    return f'{before}{{"content": ', f"}}{after}"


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
