"""Judged answers as a question file: what `[examples] question_files` of tuning takes."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from onbrand.json_lines import write_json_lines
from serving.store.feedback import Judged, Rating


class Example(BaseModel):
    """A line of the file; tuning reads the question and the answer."""

    question: str
    answer: str
    rating: Rating
    comment: str


@dataclass
class Export:
    """What became of the opinions."""

    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """How many, by reason."""


async def export_examples(
    judged: AsyncIterator[Judged], path: Path, *, disliked_too: bool = False
) -> Export:
    """Write the answers that people liked as JSON Lines, atomically.

    Args:
        judged: Of `FeedbackLog.judged`.
        path: The file; one that is there is replaced.
        disliked_too: Also those with a thumb down; `rating` tells them apart.

    Raises:
        OSError: the file cannot be written.
        StoreUnavailableError: the database cannot be read.
    """
    outcome = Export()
    examples = []
    async for one in judged:
        reason = _reason_against(one, disliked_too)
        if reason:
            outcome.left_out[reason] += 1
            continue
        question = one.messages[-1]["content"]
        examples.append(
            Example(question=question, answer=one.answer, rating=one.rating, comment=one.text)
        )
    write_json_lines(path, examples)
    outcome.written = len(examples)
    return outcome


def _reason_against(one: Judged, disliked_too: bool) -> str:
    """Why an opinion gives no example, or nothing."""
    if one.rating == "down" and not disliked_too:
        return "thumb down"
    if not one.messages:
        return "conversation not recorded"
    if [message["role"] for message in one.messages] != ["user"]:
        # A question file has no room for what came before, without which "And in red?" is no
        # question, and an answer to instructions would be learned as one without.
        return "more than a single question"
    if not one.messages[0]["content"].strip() or not one.answer.strip():
        return "question or answer empty"
    return ""
