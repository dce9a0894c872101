"""All answers under way, and those that wait for their turn."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bots.conversation import wording
from bots.platform import Ending, Final
from bots.question import Question
from bots.streaming.answer import Answer, Halt, Means
from bots.streaming.lanes import Lanes, Ticket
from onbrand.errors import OnbrandError

_FINISH_SECONDS = 15.0
"""For interrupted answers to say so, after the time that they had to come to their end."""
_log = logging.getLogger(__name__)


class Answers:
    """Starts answers, each as a task of its own, and sees them through to their end.

    Args:
        means: What they are made with.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self._lanes = Lanes()
        self._answers: dict[str, Answer] = {}
        """By the question's id, in the order asked."""
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many answers are under way or wait."""
        return len(self._tasks)

    def get(self, question_id: str) -> Answer | None:
        """The answer to a question; None when none is under way."""
        return self._answers.get(question_id)

    def by_author_of(self, stop: Question) -> list[Answer]:
        """The answers that a "stop" means: its author's own, in the same conversation."""
        return [answer for answer in self._answers.values() if _same_talk(answer.question, stop)]

    def ticket(self, conversation_id: str) -> Ticket:
        """The last place in a conversation's line; `start` takes it, or the holder leaves."""
        return self._lanes.ticket(conversation_id)

    def start(
        self, question: Question, *, instead: Final | None = None, ticket: Ticket | None = None
    ) -> None:
        """Answer a question when its turn comes.

        Args:
            question: Written down as received.
            instead: What is said instead of asking the model.
            ticket: Its place in the conversation's line; None: the last.
        """
        _log.debug("%s: an answer", question.id)
        ticket = ticket or self.ticket(question.conversation_id)
        answer = Answer(self._means, question, ticket, instead)
        self._answers[question.id] = answer
        self.spawn(self._run(answer))

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something that belongs to an answer; what it raises is a fault of ours."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_report)
        return task

    async def drain(self, seconds: float) -> None:
        """Give all answers time to come to their end; the others say that they were interrupted."""
        await _wait(self._tasks, seconds)
        for answer in self._answers.values():
            answer.halt(Halt(Ending.INTERRUPTED, wording.INTERRUPTED, may_retry=True))
        await _wait(self._tasks, _FINISH_SECONDS)
        await self.abandon()

    async def abandon(self) -> None:
        """Stop here and now; what is open stays open until the next start."""
        for task in self._tasks:
            task.cancel()
        await _wait(self._tasks, _FINISH_SECONDS)

    async def _run(self, answer: Answer) -> None:
        try:
            await answer.run()
        except OnbrandError as error:
            _log.warning("%s stays open until the next start: %s", answer.question.id, error)
        finally:
            if self._answers.get(answer.question.id) is answer:
                del self._answers[answer.question.id]


def _same_talk(running: Question, stop: Question) -> bool:
    if running.turn.author_id != stop.turn.author_id:
        return False
    if running.conversation_id == stop.conversation_id:
        return True
    return stop.place.kind == "dm" and running.place.channel == stop.place.channel


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("A fault while answering.", exc_info=error)


async def _wait(tasks: set["asyncio.Task[None]"], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
