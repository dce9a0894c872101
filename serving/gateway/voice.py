"""The brand's side of a request: its persona, its defaults, and the name its model goes by."""

import unicodedata
from typing import Any

from onbrand.config import Brand, Serving
from onbrand.persona import system_prompt
from serving.gateway.schemas import ChatMessage, ChatRequest


def model_name(brand: Brand) -> str:
    """The public model name: a slug of the brand's name ("Café Zoë" is `cafe-zoe`).

    A name without Latin letters keeps its own, in lower case, with hyphens for spaces.
    """
    ascii_name = unicodedata.normalize("NFKD", brand.name).encode("ascii", "ignore").decode()
    slug = "".join(c if c.isalnum() else " " for c in ascii_name.lower())
    return "-".join(slug.split()) or "-".join(brand.name.casefold().split()) or "onbrand"


def with_persona(brand: Brand, messages: list[ChatMessage]) -> list[dict[str, str]]:
    """The conversation with exactly one system message, first: persona, then what was asked for.

    Chat templates take one system message, at the start; some refuse any other.
    """
    instructions = [m.content for m in messages if m.role in ("system", "developer")]
    system = "\n\n".join([system_prompt(brand), *instructions])
    turns = [m for m in messages if m.role in ("user", "assistant")]
    return [
        {"role": "system", "content": system},
        *({"role": m.role, "content": m.content} for m in turns),
    ]


def engine_request(request: ChatRequest, settings: Serving, brand: Brand) -> dict[str, Any]:
    """The request as the engine gets it, in OpenAI's fields, all but the engine's model name.

    It is always streamed: only then does a closed connection end the work at every engine.
    """
    temperature = settings.temperature if request.temperature is None else request.temperature
    fields = {
        "messages": with_persona(brand, request.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": temperature,
        "max_tokens": request.max_completion_tokens or request.max_tokens or settings.max_tokens,
        "top_p": request.top_p,
        "stop": request.stop_texts() or None,
        "seed": request.seed,
    }
    return {name: value for name, value in fields.items() if value is not None}
