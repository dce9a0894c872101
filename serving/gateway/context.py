"""Fit a conversation into the model's context: the system message and the newest turns."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from onbrand.errors import OnbrandError
from serving.api_errors import ApiError

_TOKENS_PER_MESSAGE = 8
"""What a chat template writes around a message, at most: `<|im_start|>`, the role, line ends."""
_TOKENS_TO_ANSWER = 8
_BYTES_PER_TOKEN = 3
"""For engines whose tokenizer is not here; English has about four, Urdu about two and a half."""


@dataclass(frozen=True)
class Context:
    """How long prompt and answer may be together, and how tokens are counted."""

    tokens: int
    """0: unknown, nothing is trimmed."""
    count: Callable[[str], int]
    """Tokens of a text, without special tokens."""

    def fit(
        self, messages: list[dict[str, str]], answer_tokens: int
    ) -> tuple[list[dict[str, str]], int]:
        """The messages that fit beside an answer, and how many were left out.

        Args:
            messages: The system message first; the last one is what is to be answered.
            answer_tokens: Room that the answer needs.

        Raises:
            ApiError: 400: the last message alone does not fit.
        """
        room = self.tokens - answer_tokens - _TOKENS_TO_ANSWER
        if not self.tokens or sum(_most(message) for message in messages) <= room:
            return messages, 0
        system, *turns = messages
        if not turns:
            return messages, 0
        room -= self._cost(system)
        needed = self._cost(turns[-1])
        if needed > room:
            raise self._too_long(needed, room)
        kept = 0
        for turn in reversed(turns):
            room -= self._cost(turn)
            if room < 0:
                break
            kept += 1
        newest = turns[len(turns) - kept :]
        # Many templates demand that the user speaks first.
        while len(newest) > 1 and newest[0]["role"] == "assistant":
            newest = newest[1:]
        return [system, *newest], len(turns) - len(newest)

    def _cost(self, message: dict[str, str]) -> int:
        # What surely fits or surely does not need not be counted: that takes time.
        content = message["content"]
        if len(content) > self.tokens * 64:
            return len(content)
        return self.count(content) + _TOKENS_PER_MESSAGE

    def _too_long(self, needed: int, room: int) -> ApiError:
        message = (
            f"The last message has about {needed} tokens, and beside the persona and the answer "
            f"there is room for {max(room, 0)}; shorten it or ask for fewer max_tokens."
        )
        return ApiError(400, message, code="context_length_exceeded", param="messages")


def _most(message: dict[str, str]) -> int:
    """Tokens at most: none of them stands for less than a byte."""
    return len(message["content"].encode()) + _TOKENS_PER_MESSAGE


def unknown_context(tokens: int) -> Context:
    """For an engine elsewhere: `tokens` by configuration, counted by the length of the text."""
    return Context(tokens, lambda text: -(-len(text.encode()) // _BYTES_PER_TOKEN))


def context_of(model: Path, tokens: int) -> Context:
    """Of a model folder; `tokens` limits it further when it is not 0.

    Raises:
        OnbrandError: `tokenizer.json` or `config.json` cannot be read.
    """
    try:
        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        values = json.loads((model / "config.json").read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises no class of its own
        raise OnbrandError(f"{model} holds no readable tokenizer.json and config.json.") from error
    own = int(values.get("max_position_embeddings") or 0)

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return Context(min(filter(None, (own, tokens)), default=0), count)
