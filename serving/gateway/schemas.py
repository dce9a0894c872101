"""The part of OpenAI's chat completions API that the gateway speaks.

https://platform.openai.com/docs/api-reference/chat/create
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

_IGNORED = {
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
}
"""Fields that do not change the answer."""

_MOST_STOP_TEXTS = 4
"""OpenAI's number; each costs a look at every piece of the answer."""

_NEUTRAL: dict[str, Any] = {
    "n": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
    "modalities": ["text"],
    "response_format": {"type": "text"},
    "tools": [],
    "tool_choice": "none",
    "parallel_tool_calls": True,
}
"""Fields that clients send with these values to say "as usual"; other values are refused."""


def _join_parts(content: Any) -> Any:
    """Content may come as text, or as a list of `{"type": "text", "text": …}` parts."""
    if not isinstance(content, list):
        return content
    texts = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text":
            raise ValueError("only text can be answered, no images, audio or files")
        if not isinstance(part.get("text"), str):
            raise ValueError("the text of a part has to be a text")
        texts.append(part["text"])
    return "\n".join(texts)


def _whole(text: str) -> str:
    """The text with � for half of an emoji.

    Such a half (a lone surrogate) can stand in JSON, but no tokenizer and no file takes it.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_Text = Annotated[str, AfterValidator(_whole)]


class ChatMessage(BaseModel):
    """One turn of the conversation; `developer` is OpenAI's newer name for `system`."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[_Text, BeforeValidator(_join_parts)]

    @model_validator(mode="before")
    @classmethod
    def _read_an_answer_without_words(cls, data: Any) -> Any:
        """An assistant's turn may hold null, as those that called a tool do."""
        if isinstance(data, dict) and data.get("role") == "assistant":
            return {**data, "content": "" if data.get("content") is None else data["content"]}
        return data


class StreamOptions(BaseModel):
    """Options of a streamed answer."""

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """Body of `POST /v1/chat/completions`."""

    model_config = ConfigDict(extra="allow")

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    model: str | None = None
    """May be left out: a gateway serves one model."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: _Text | list[_Text] | None = None
    seed: int | None = None
    user: str | None = None
    """Who asks, for quotas and usage; X-Onbrand-User wins."""

    @field_validator("stop")
    @classmethod
    def _refuse_many(cls, stop: str | list[str] | None) -> str | list[str] | None:
        if isinstance(stop, list) and len(stop) > _MOST_STOP_TEXTS:
            raise ValueError(f"at most {_MOST_STOP_TEXTS} texts can end an answer")
        return stop

    @model_validator(mode="after")
    def _refuse_what_would_be_ignored(self) -> "ChatRequest":
        for name, value in (self.model_extra or {}).items():
            if name in _IGNORED or value is None or (name in _NEUTRAL and value == _NEUTRAL[name]):
                continue
            raise ValueError(f"{name} is not supported")
        return self

    def stop_texts(self) -> list[str]:
        """The texts at which the answer ends."""
        texts = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [text for text in texts if text]
