"""What was said, as the chat messages that a model is given."""

from collections.abc import Sequence
from typing import Any, TypedDict

from bots.conversation.quoting import harmless
from bots.question import Turn
from onbrand.chat_format import Message


class ChatMessage(TypedDict):
    """A message of the chat API."""

    role: str
    content: str | list[dict[str, Any]]
    """A text; a list of parts where there are images or voice messages too."""


_BYTES_PER_TOKEN = 3
"""English has about four, Urdu about two and a half."""


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has; the gateway counts exactly."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


def chat_messages(
    history: Sequence[Turn], author: str, request: str, persona: str, max_tokens: int
) -> list[Message]:
    """The conversation as user and assistant in turn, beginning and ending with the user.

    Chat templates demand that alternation: what several people say in a row is one message. Where
    more than one person speaks, each is named. What people say cannot pose as a template's marks.

    Args:
        history: What was said before, oldest first.
        author: Name of who asks.
        request: What is asked, as the model should read it.
        persona: What to add to the brand's persona; "" when nothing.
        max_tokens: Estimated tokens of the history that is kept, the newest.
    """
    turns = [turn for turn in history if harmless(turn.text).strip()]
    people = {turn.author_name for turn in turns if not turn.ours} | {author}
    kept = _newest([_message(turn, name=len(people) > 1) for turn in turns], max_tokens)
    asked = harmless(f"{author}: {request}" if len(people) > 1 else request)
    talk = _alternating([*kept, {"role": "user", "content": asked}])
    return [{"role": "system", "content": persona}, *talk] if persona else talk


def _message(turn: Turn, *, name: bool) -> Message:
    if turn.ours:
        return {"role": "assistant", "content": turn.text}
    text = f"{turn.author_name}: {turn.text}" if name else turn.text
    return {"role": "user", "content": harmless(text)}


def _newest(messages: list[Message], max_tokens: int) -> list[Message]:
    kept = len(messages)
    while kept and (cost := estimated_tokens(messages[kept - 1]["content"])) <= max_tokens:
        max_tokens -= cost
        kept -= 1
    return messages[kept:]


def _alternating(messages: list[Message]) -> list[Message]:
    """Neighbours of one role joined; nothing of ours before the first of theirs."""
    talk: list[Message] = []
    for message in messages:
        if talk and talk[-1]["role"] == message["role"]:
            talk[-1]["content"] += f"\n\n{message['content']}"
        elif talk or message["role"] == "user":
            talk.append(Message(role=message["role"], content=message["content"]))
    return talk
