"""What the bot itself says, and how a command is worded for the model."""

from bots.question import Question
from onbrand.persona import brief_for, kind_of

KINDS = {
    "instagram": kind_of("instagram"),
    "facebook": kind_of("facebook"),
    "website": kind_of("website"),
    "answer": "an answer to a customer",
    "newsletter": "a newsletter",
}
"""What can be written to order, by the name that people choose."""

GREETING = "Hello!"
"""What a bare mention is taken to say."""
CONTEXT_TOO_SLOW = "I could not read in time what came with it."
STOPPED = "Stopped."
CHANGED = "The question was changed; the new answer follows."
DELETED = "The question was deleted."
INTERRUPTED = "I was interrupted and this is not finished. You can ask me to try again."
FAULT = "Something went wrong on my side. Please try again."
GONE = "I can't read that question any more. Please ask it again."
NOT_YOURS = "Only the person who asked can stop this answer."
NOTHING_TO_RETRY = "There is nothing to try again: the answer is there or on its way."
NOT_ALLOWED = "I may not answer you here."
NO_ANSWER_TO_RATE = "I don't know that answer any more."
NOT_RATED = "That could not be handed on now. Please try again."
THANKS = "Thank you, that helps."


def request_text(question: Question) -> str:
    """What the model is asked, in words like those it was tuned on."""
    text = question.turn.text.strip()
    match question.asked_as:
        case "write":
            kind = KINDS.get(question.options.get("kind", ""), kind_of("instagram"))
            return brief_for(kind, about=[text] if text else [])
        case "voice" | "rewrite":
            return f"Say this in our voice, and change nothing of what it means:\n\n{text}"
        case _:
            return text or GREETING


def write_request(text: str) -> tuple[str, str]:
    """Kind and subject of what follows the command `write`: `facebook our spring tea`.

    Args:
        text: As typed; the kind comes first and may be left out.

    Returns:
        A key of `KINDS`, or "" when none was named; and the rest.
    """
    first, _, rest = text.strip().partition(" ")
    if first.casefold() in KINDS:
        return first.casefold(), rest.strip().removeprefix("about ").strip()
    return "", text.strip()


def help_text(brand_name: str, command: str) -> str:
    """What the bot can do, in Markdown.

    Args:
        brand_name: Whose voice it has.
        command: The slash command, such as `/onbrand`.
    """
    return "\n".join(
        (
            f"I speak in the voice of **{brand_name or 'the brand'}**. Mention me, reply to me or "
            "write me a direct message. In a thread I go on without a mention.",
            "",
            f"- `{command} ask` and a question: I answer it.",
            f"- `{command} write` and what about: I write a text. First may come what it is: "
            f"{', '.join(KINDS)}.",
            f"- `{command} voice` and a text: I say it in our voice.",
            f"- `{command} help`: this.",
            "",
            'Write "stop", or press the button, to stop an answer of mine. Thumbs tell us how good '
            "it was. I forget what was said: each time I read the conversation here.",
        )
    )
