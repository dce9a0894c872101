"""What becomes of a question that a crash or a shutdown left open."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bots.conversation import wording
from bots.conversation.decision import is_stop
from bots.delivery.ledger import Ledger
from bots.delivery.records import Closed, Open
from bots.platform import Delivered, Ending, Platform, UndeliverableError
from bots.question import Asked, Question, Turn
from onbrand.errors import OnbrandError

_WAITS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between two tries to ask the platform, seconds."""
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


async def resume(
    left: Open, platform: Platform, ledger: Ledger, recover_minutes: float
) -> Question | None:
    """Close what was left open, or return the question when it is to be answered now.

    What the platform shows of an answer is marked as interrupted, never said again.

    Args:
        left: From the ledger.
        platform: Is asked for the question, and for what it shows of the answer.
        ledger: Where it is closed.
        recover_minutes: Older questions, of whose answer nothing is shown, are closed silently.

    Raises:
        OnbrandError: the platform does not answer; it stays open until the next start.
    """
    asked = left.asked
    question = await _patiently(lambda: platform.reload(asked))
    if left.state == "answering":
        of = replace(question or _bare(asked), attempt=asked.attempt)
        delivered = await _patiently(lambda: platform.delivered(of, left.known, left.earlier))
        if delivered is not None:
            ending = await _marked(of, delivered, platform)
            for message_id in delivered.message_ids:
                await ledger.posted(of, left.request_id, message_id)
            await ledger.delivered(asked.id, asked.attempt, ending)
            return None
    closed = _closed(question, asked, recover_minutes)
    if question is None or closed is not None:
        await ledger.delivered(asked.id, asked.attempt, closed or Closed.GONE)
        return None
    return replace(question, attempt=asked.attempt)


def _closed(question: Question | None, asked: Asked, recover_minutes: float) -> Closed | None:
    """Why it is not answered any more; None when it is."""
    if question is None:
        return Closed.GONE
    if is_stop(question.turn.text):
        return Closed.STOP
    old = datetime.now(UTC) - asked.at > timedelta(minutes=recover_minutes)
    return Closed.EXPIRED if old else None


async def _marked(question: Question, delivered: Delivered, platform: Platform) -> Ending | Closed:
    """How an answer ended that is on the platform already."""
    if delivered.whole:
        return Closed.UNTOLD
    try:
        await _patiently(
            lambda: platform.mark_interrupted(question, delivered, wording.INTERRUPTED)
        )
    except UndeliverableError as error:
        _log.warning("An interrupted answer could not be marked: %s", error)
        return Closed.UNDELIVERABLE
    return Ending.INTERRUPTED


async def _patiently(ask: Callable[[], Awaitable[_Result]]) -> _Result:
    for wait in _WAITS:
        try:
            return await ask()
        except UndeliverableError:
            raise
        except OnbrandError as error:
            _log.warning("Asking the platform again in %g s: %s", wait, error)
        await asyncio.sleep(wait)
    return await ask()


def _bare(asked: Asked) -> Question:
    """What is still known of a question that cannot be read again."""
    turn = Turn(author_id=asked.author_id, author_name="", text="", at=asked.at)
    return Question(asked.id, asked.place, turn, asked_as=asked.asked_as)
