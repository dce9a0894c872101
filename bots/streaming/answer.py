"""One answer, from the question to the end on the platform."""

import asyncio
import logging
import time
import uuid
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from bots.conversation import wording
from bots.conversation.prompt import prompt_for
from bots.delivery.ledger import Ledger
from bots.delivery.records import Closed
from bots.metrics import Metrics
from bots.platform import Ending, Final, Platform, Surface, UndeliverableError
from bots.question import Question
from bots.streaming.failure import AnswerError, empty
from bots.streaming.gateway import Gateway
from bots.streaming.lanes import Ticket
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

_BEGIN_SECONDS = 5.0
"""Longest wait for a sign of life that is still on its way when the answer ends."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Means:
    """What all answers of a bot are made with."""

    workspace: Workspace
    platform: Platform
    ledger: Ledger
    gateway: Gateway
    metrics: Metrics
    refused_in: set[str] = field(default_factory=set)
    """Ids of the channels that would not take an answer."""


@dataclass(frozen=True)
class Halt:
    """Why an answer ends before it is whole."""

    ending: Ending
    note: str = ""
    may_retry: bool = False


class Answer:
    """Answers one question, once; it is also the `AnswerLog` of its surface.

    Args:
        means: What it is made with.
        question: What was asked.
        ticket: Its place in the conversation's line.
        instead: What is said instead of asking the model.
    """

    def __init__(
        self, means: Means, question: Question, ticket: Ticket, instead: Final | None = None
    ) -> None:
        self.question = question
        self.text = ""
        self.ending = False
        """Whether its end is being put on the platform."""
        self.over = asyncio.Event()
        """Set once it has ended and that is written down."""
        self._means = means
        self._ticket = ticket
        self._instead = instead
        self._request_id = uuid.uuid4().hex
        self._received = time.monotonic()
        self._interrupt: asyncio.Future[Halt | None] = asyncio.Future()

    async def run(self) -> Ending | Closed:
        """Answer; returns how it ended once that is on the platform and in the ledger."""
        with self._means.metrics.under_way.track_inprogress():
            try:
                await self._means.ledger.answering(self.question, self._request_id)
                surface = self._means.platform.surface(self.question, self)
                begin = asyncio.create_task(self._begin(surface))
                final = await self._final(surface)
                await asyncio.wait({begin}, timeout=_BEGIN_SECONDS)
                begin.cancel()
                self.ending = True
                return await self._finish(final, surface)
            finally:
                self._ticket.leave()
                self.over.set()

    def halt(self, halt: Halt) -> None:
        """End it now; what was shown stays."""
        if not self._interrupt.done():
            self._interrupt.set_result(halt)

    def change(self, question: Question) -> bool:
        """The question was changed; False when it is too late, as text is shown already."""
        if self.text:
            return False
        self.question = question
        if not self._interrupt.done():
            self._interrupt.set_result(None)
        return True

    async def posted(self, message_id: str, characters: int) -> None:
        """The platform accepted a message, or more of one."""
        await self._means.ledger.posted(self.question, self._request_id, message_id, characters)

    def stopped(self) -> None:
        """A person used the platform's own stop button."""
        self.halt(Halt(Ending.STOPPED, wording.STOPPED))

    async def _begin(self, surface: Surface) -> None:
        try:
            await surface.begin()
        except OnbrandError as error:  # the answer itself may still get through
            _log.warning("No sign of life could be shown: %s", error)
        except Exception:
            _log.exception("A fault while a sign of life was shown.")
        else:
            self._means.metrics.first_sign.observe(time.monotonic() - self._received)

    async def _final(self, surface: Surface) -> Final:
        """The answer at its end, however it comes to it."""
        while True:
            speaking = asyncio.create_task(self._speak(surface))
            either: set[asyncio.Future[Any]] = {speaking, self._interrupt}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                whole = speaking.done()
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
            if whole:
                return self._whole(speaking)
            halt = self._interrupt.result()
            if halt is not None:
                return Final(self.text, halt.ending, halt.note, may_retry=halt.may_retry)
            self._interrupt = asyncio.Future()

    def _whole(self, speaking: "asyncio.Task[Final]") -> Final:
        try:
            return speaking.result()
        except AnswerError as error:
            _log.warning("Answer %s: %s", self._request_id, error)
            return Final(self.text, Ending.FAILED, error.sentence, may_retry=error.may_retry)
        except Exception:  # a fault of ours must not leave a person without a word
            _log.exception("Answer %s failed.", self._request_id)
            return Final(self.text, Ending.FAILED, wording.FAULT, may_retry=True)

    async def _speak(self, surface: Surface) -> Final:
        """Ask the model and show what it says."""
        if self._instead is not None:
            return self._instead
        await self._ticket.called()
        means, question = self._means, self.question
        prompt = await prompt_for(question, means.platform, means.ledger, means.workspace)
        if not prompt.messages:
            return Final("", Ending.COMPLETE, prompt.note)
        user = question.place.user(question.turn.author_id)
        stream = means.gateway.stream(prompt.messages, request_id=self._request_id, user=user)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                if not self.text:
                    means.metrics.first_text.observe(time.monotonic() - self._received)
                self.text += piece
                surface.show(self.text)
        if not self.text.strip():
            raise empty()
        return Final(self.text, Ending.COMPLETE, prompt.note, may_rate=True)

    async def _finish(self, final: Final, surface: Surface) -> Ending | Closed:
        ending: Ending | Closed = final.ending
        try:
            await surface.finish(final)
        except UndeliverableError as error:
            self._warn_once(error)
            ending = Closed.UNDELIVERABLE
        await self._means.ledger.delivered(
            self.question.id, self.question.attempt, ending, notice=not final.text
        )
        self._means.metrics.answer(ending)
        return ending

    def _warn_once(self, error: UndeliverableError) -> None:
        """A channel that takes no answers takes none for days; one line in the log will do."""
        channel = self.question.place.channel
        if channel not in self._means.refused_in:
            self._means.refused_in.add(channel)
            _log.warning("Answer %s could not be delivered: %s", self._request_id, error)
