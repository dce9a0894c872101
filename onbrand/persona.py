"""What a model is told and asked: one place, so that training, evaluation and serving agree."""

from onbrand.config import Brand
from onbrand.record import Source

_REQUESTS: dict[Source, str] = {
    "facebook": "Write a Facebook post.",
    "instagram": "Write an Instagram post.",
    "website": "Write a text for our website.",
    "file": "Write a text for our website.",
}


def system_prompt(brand: Brand) -> str:
    """The system message: who the assistant is and how it speaks.

    It is never empty: some chat templates put in a persona of their own when there is none.
    """
    name = brand.name or "the brand"
    return f"You are the voice of {name}. {brand.persona}".strip()


def request_for(source: Source, title: str = "") -> str:
    """The user message that a record's text answers.

    A title makes the request specific; posts have none.
    """
    if title:
        return f"Tell me about {title}."
    return _REQUESTS[source]
