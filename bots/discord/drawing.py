"""An answer as Discord's messages: parts of at most 2,000 characters, a note below the last."""

from bots.splitting import quiet

LIMIT = 2000
"""Characters in a message; counted in UTF-16 units, as is safe either way."""
_SMALL = "-# "
"""Begins a line in small print."""


def with_note(texts: list[str], note: str) -> list[str]:
    """The messages with a sentence of the bot: in small print below the last, or alone.

    Args:
        texts: What the messages say so far.
        note: The sentence; "" adds nothing.
    """
    if not note:
        return texts
    if not texts:
        return [quiet(note)]
    small = "\n".join(_SMALL + line for line in quiet(note).splitlines() if line.strip())
    joined = f"{texts[-1]}\n{small}"
    return [*texts[:-1], joined] if units(joined) <= LIMIT else [*texts, small]


def without_notes(text: str) -> str:
    """What a message of ours says of the answer, without the note below it."""
    lines = text.rstrip().split("\n")
    while lines and lines[-1].startswith(_SMALL):
        lines.pop()
    return "\n".join(lines)


def units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text.encode("utf-16-le")) // 2
