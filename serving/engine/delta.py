"""A piece of an answer, as an engine sends it."""

from dataclasses import dataclass

from pydantic import BaseModel


class Usage(BaseModel):
    """Tokens, as the engine counted them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class Delta:
    """A piece of an answer; the last ones carry how it ended and what it cost."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
