"""Images and voice messages beside a question."""

import base64
from typing import Any

from bots.platform import Platform
from bots.question import Attachment, Question

_MAX_BYTES = 10 * 2**20
_KINDS = ("image", "voice")


def media_of(question: Question) -> list[Attachment]:
    """The images and voice messages."""
    return [file for file in question.turn.attachments if file.kind in _KINDS]


def only_media(question: Question) -> bool:
    """Whether there is nothing else to answer."""
    others = [file for file in question.turn.attachments if file.kind not in _KINDS]
    return bool(media_of(question)) and not question.turn.text.strip() and not others


async def media_parts(question: Question, platform: Platform) -> list[dict[str, Any]]:
    """The images and voice messages as OpenAI's content parts.

    https://platform.openai.com/docs/api-reference/chat/create

    Raises:
        OnbrandError: one of them cannot be fetched.
    """
    parts = []
    for file in media_of(question):
        content = base64.b64encode(await platform.fetch(file, _MAX_BYTES)).decode()
        if file.kind == "image":
            url = f"data:{file.media_type or 'image/png'};base64,{content}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        else:
            audio = {"data": content, "format": file.name.rpartition(".")[2].lower() or "ogg"}
            parts.append({"type": "input_audio", "input_audio": audio})
    return parts
