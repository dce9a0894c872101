"""What stands around the model's words in a message: notes, buttons, and what they carry.

https://docs.slack.dev/reference/block-kit
"""

from typing import Any

from bots.platform import Final

Block = dict[str, Any]

RETRY, STOP, FEEDBACK = "retry", "stop", "feedback"
"""The `action_id`s of the buttons."""

ANSWER_EVENT = "onbrand_answer"
"""The `event_type` of the metadata of our messages; its payload holds ids, no word of anybody."""

MARKDOWN_LIMIT = 12_000
"""Characters of all markdown blocks of a message."""
_SECTION_LIMIT = 3_000


def metadata(answer_id: str, part: int | str, last: bool, empty: bool = False) -> dict[str, Any]:
    """Which answer a message belongs to, for finding it after a crash.

    Args:
        answer_id: `Question.answer_id`.
        part: Counts the messages of an answer; `note` is a sentence of the bot.
        last: Whether the answer ends here.
        empty: Whether the message holds no word of the answer yet.
    """
    payload = {"answer": answer_id, "part": str(part), "last": last, "empty": empty}
    return {"event_type": ANSWER_EVENT, "event_payload": payload}


def about(message: dict[str, Any]) -> dict[str, Any]:
    """The payload of our metadata on a message that Slack sent; empty when there is none."""
    data = message.get("metadata") or {}
    return dict(data.get("event_payload") or {}) if data.get("event_type") == ANSWER_EVENT else {}


def markdown(text: str) -> list[Block]:
    """The model's words."""
    return [{"type": "markdown", "text": text}] if text else []


def ending(final: Final, question_id: str, message_id: str) -> list[Block]:
    """What comes below the last words: the note, a button to try again, or thumbs.

    Args:
        final: How the answer ended.
        question_id: For the button.
        message_id: What the thumbs rate, in the form of `AnswerLog.posted`.
    """
    blocks = note(final.note) if final.text else alone(final.note)
    if final.may_retry:
        blocks.append(buttons(RETRY, "Try again", question_id))
    if final.may_rate:
        blocks.append(thumbs(message_id))
    return blocks


def note(sentence: str) -> list[Block]:
    """A sentence of the bot, below the model's words."""
    return [{"type": "context", "elements": [_plain(sentence)]}] if sentence else []


def alone(sentence: str) -> list[Block]:
    """A sentence of the bot, in a message without the model's words."""
    return [{"type": "section", "text": _plain(sentence)}] if sentence else []


def working(question_id: str, sentence: str) -> list[Block]:
    """A message that says that an answer is coming, or that it goes on; with a stop button."""
    return [*note(sentence), buttons(STOP, "Stop", question_id)]


def buttons(action_id: str, label: str, value: str) -> Block:
    """One button."""
    text = {"type": "plain_text", "text": label}
    button = {"type": "button", "action_id": action_id, "text": text, "value": value}
    return {"type": "actions", "elements": [button]}


def thumbs(message_id: str) -> Block:
    """Slack's feedback buttons; each value is the rating and the message."""
    element = {"type": "feedback_buttons", "action_id": FEEDBACK}
    for side, rating, label in (("positive", "up", "Good"), ("negative", "down", "Bad")):
        element[f"{side}_button"] = {  # type: ignore[assignment]
            "text": {"type": "plain_text", "text": f"{label} answer"},
            "accessibility_label": f"Rate this answer as {label.lower()}",
            "value": f"{rating} {message_id}",
        }
    return {"type": "context_actions", "elements": [element]}


def without(whole: list[Block], kind: str) -> list[Block]:
    """The blocks that are not of one type: `actions` that have done their work, say."""
    return [block for block in whole if block.get("type") != kind]


def sentences(whole: list[Block]) -> str:
    """What the bot itself says in these blocks."""
    texts = [block.get("text") for block in whole if block["type"] == "section"]
    texts += [e for block in whole if block["type"] == "context" for e in block["elements"]]
    return " ".join(text["text"] for text in texts if isinstance(text, dict)) or "…"


def _plain(sentence: str) -> Block:
    """A text that is shown as it is: a sentence may hold what a person wrote."""
    return {"type": "plain_text", "text": sentence[:_SECTION_LIMIT], "emoji": True}
