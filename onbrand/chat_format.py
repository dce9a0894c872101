"""Chat messages as token ids, through the model's own chat template.

Shared by training and evaluation so that both see the same ids. Knows tokenizers, not torch.
"""

from typing import Any, Protocol, TypedDict


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    content: str


class Tokenizer(Protocol):
    """The part of a transformers tokenizer that is used here."""

    eos_token_id: int

    def __call__(self, text: str, *, add_special_tokens: bool) -> Any:
        """Encode a text; the result has `input_ids`."""

    def apply_chat_template(
        self, conversation: list[Message], *, add_generation_prompt: bool, tokenize: bool
    ) -> Any:
        """Render a conversation."""


def encode_text(tokenizer: Tokenizer, text: str) -> list[int]:
    """Token ids of a bare text, without special tokens."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode_prompt(tokenizer: Tokenizer, system: str, user: str) -> list[int]:
    """Token ids up to where the assistant starts to speak.

    The template writes its own special tokens (BOS among them), so none are added: a second BOS
    would be one that serving never sees.
    """
    messages: list[Message] = [
        {"role": "system", "content": system},
        {"role": "user", "content": user},
    ]
    rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return encode_text(tokenizer, rendered)


def split_half(ids: list[int]) -> tuple[list[int], list[int]]:
    """First and second half of a text's ids; the second is the longer when the count is odd."""
    middle = len(ids) // 2
    return ids[:middle], ids[middle:]
