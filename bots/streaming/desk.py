"""The desk: takes what a platform hands in, and decides what becomes of it."""

import asyncio
import logging
import math
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bots.conversation import wording
from bots.conversation.decision import decide, is_stop, rules_for
from bots.delivery.flood import Flood
from bots.delivery.ledger import Ledger
from bots.delivery.records import Admission, Closed, Open
from bots.delivery.recovery import resume
from bots.metrics import Metrics
from bots.platform import Ending, Final, Platform, Rating, Receipt
from bots.question import Place, Question
from bots.streaming.answer import Answer, Halt, Means
from bots.streaming.answers import Answers
from bots.streaming.gateway import Gateway
from bots.streaming.lanes import Ticket
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

_ENDING_SECONDS = 3.0
"""Longest wait of a retry for the end of the answer before it."""
_RESUMED_AT_ONCE = 4
_log = logging.getLogger(__name__)


class Desk:
    """The `FrontDesk` of one platform.

    `open` it before events flow, `recover` once the platform can be asked, `drain` it in the end.
    """

    def __init__(
        self, workspace: Workspace, ledger: Ledger, gateway: Gateway, metrics: Metrics
    ) -> None:
        self._workspace = workspace
        self._config = workspace.config
        self._ledger = ledger
        self._gateway = gateway
        self._metrics = metrics
        settings = self._config.bots
        self._flood = Flood(settings.user_per_minute, settings.channel_per_minute)
        self._recoverable = asyncio.Event()
        # The platform is asked about a few at a time, so that it does not refuse.
        self._resuming = asyncio.Semaphore(_RESUMED_AT_ONCE)
        self._recovering: dict[str, asyncio.Task[None]] = {}
        """By the question's id."""
        self._draining = False

    @property
    def under_way(self) -> int:
        """How many answers are under way, or wait for their turn."""
        return len(self._answers)

    async def open(self, platform: Platform) -> None:
        """Begin: what the last run left open takes its place before all that comes now.

        Raises:
            OnbrandError: the ledger cannot be used.
        """
        self._platform = platform
        self._answers = Answers(
            Means(self._workspace, platform, self._ledger, self._gateway, self._metrics)
        )
        for left in await self._ledger.open():
            self._take_up(left)

    def _take_up(self, left: Open) -> None:
        talk = left.asked.place.conversation_of(left.asked.author_id)
        task = self._answers.spawn(self._resume(left, self._answers.ticket(talk)))
        self._recovering[left.asked.id] = task
        task.add_done_callback(lambda _: self._recovering.pop(left.asked.id))

    async def recover(self) -> None:
        """The platform can be asked now: see to what was left open, and to what was missed.

        Returns when what was missed has been received; the answers come as they come.
        """
        self._recoverable.set()
        if self._ledger.is_new:
            return  # the first start: what was said before was not said to us
        now = datetime.now(UTC)
        since = now - timedelta(minutes=self._config.bots.recover_minutes)
        places = await self._ledger.places(now - timedelta(days=self._config.bots.ledger_days))
        try:
            missed = await self._platform.missed(places, since)
        except OnbrandError as error:
            _log.warning("What was said while we were away cannot be read: %s", error)
            return
        for question in missed:
            try:
                await self._receive_missed(question)
            except OnbrandError as error:  # the others can wait no longer
                _log.warning("%s, of the time we were away, is left: %s", question.id, error)

    async def drain(self, seconds: float) -> None:
        """Come to an end: what comes in from now on is answered after the next start.

        Args:
            seconds: For answers under way; those that take longer say that they were interrupted.
        """
        self._draining = True
        for task in self._recovering.values():
            task.cancel()
        await self._answers.drain(seconds)

    async def abandon(self) -> None:
        """Stop here and now, as a crash would."""
        self._draining = True
        await self._answers.abandon()

    async def receive(self, question: Question) -> Receipt:
        """See `FrontDesk.receive`."""
        if question.asked_as == "message" and is_stop(question.turn.text):
            return await self._stop_theirs(question)
        decision = decide(question, rules_for(self._config, question.place))
        if not decision.answer:
            return self._ignored(question, decision.reason)
        admission = await self._ledger.admit(question, if_we_spoke_there=decision.if_we_spoke_there)
        if admission is Admission.STRANGE:
            return self._ignored(question, "it stands in a thread that is not ours")
        if admission is Admission.KNOWN:
            return self._known(question)
        if self._draining:
            self._metrics.message("waiting")
            return Receipt(True, "we are shutting down; it is answered after the next start")
        return await self._accept(question, decision.reason)

    async def edited(self, question: Question) -> None:
        """See `FrontDesk.edited`."""
        answer = self._answers.get(question.id)
        if answer is None or answer.question.turn.text == question.turn.text:
            return
        if answer.change(question):
            return
        answer.halt(Halt(Ending.STOPPED, wording.CHANGED))
        self._answers.spawn(self._answer_again(answer, question))

    async def deleted(self, question_id: str) -> None:
        """See `FrontDesk.deleted`."""
        if answer := self._answers.get(question_id):
            answer.halt(Halt(Ending.STOPPED, wording.DELETED if answer.text else ""))

    async def stop(self, question_id: str, by: str) -> Receipt:
        """See `FrontDesk.stop`."""
        answer = self._answers.get(question_id)
        if answer is None:
            return Receipt(False, "it is over")
        if answer.question.turn.author_id != by:
            return Receipt(False, "another person asked", wording.NOT_YOURS)
        answer.halt(Halt(Ending.STOPPED, wording.STOPPED))
        return Receipt(True, "stopped")

    async def retry(self, question_id: str, by: str) -> Receipt:
        """See `FrontDesk.retry`."""
        # The button is there a moment before the end of its answer is written down.
        if (answer := self._answers.get(question_id)) and answer.ending:
            with suppress(TimeoutError):
                await asyncio.wait_for(answer.over.wait(), _ENDING_SECONDS)
        if resuming := self._recovering.get(question_id):
            await asyncio.wait({resuming}, timeout=_ENDING_SECONDS)
        asked = await self._ledger.again(question_id)
        if asked is None:
            return Receipt(False, "there is nothing to retry", wording.NOTHING_TO_RETRY)
        sentence = self._refusal(asked.place, by)
        question = None
        try:
            question = await self._platform.reload(asked)
        except OnbrandError as error:
            _log.warning("%s: cannot be read again: %s", question_id, error)
        if sentence or question is None:
            await self._ledger.delivered(asked.id, asked.attempt, Closed.GONE)
            return Receipt(False, "it cannot be retried", sentence or wording.GONE)
        if not self._draining:
            self._answers.start(replace(question, attempt=asked.attempt))
        return Receipt(True, "another attempt")

    async def feedback(self, message_id: str, by: str, rating: Rating) -> Receipt:
        """See `FrontDesk.feedback`."""
        rated = await self._ledger.answer_of(message_id)
        if rated is None:
            return Receipt(False, "it is no answer of ours", wording.NO_ANSWER_TO_RATE)
        try:
            kept = await self._gateway.feedback(rated.request_id, rated.place.user(by), rating)
        except OnbrandError as error:
            _log.warning("%s", error)
            return Receipt(False, "the gateway did not take it", wording.NOT_RATED)
        return Receipt(kept, "handed on" if kept else "not kept", wording.THANKS)

    async def _accept(self, question: Question, reason: str) -> Receipt:
        """Answer what was written down, or say that it was too much."""
        sentence = self._flooded(question.place, question.turn.author_id)
        if not sentence:
            self._metrics.message("answered")
            self._answers.start(question)
            return Receipt(True, reason)
        self._metrics.message("refused")
        by_message = question.asked_as == "message"
        if by_message and self._flood.tell(question.turn.author_id):
            self._answers.start(question, instead=Final("", Ending.FAILED, sentence))
        else:
            await self._ledger.delivered(question.id, question.attempt, Closed.REFUSED)
        return Receipt(False, "too many questions", "" if by_message else sentence)

    async def _stop_theirs(self, question: Question) -> Receipt:
        """A bare "stop": it ends what its author asked in this conversation."""
        theirs = self._answers.by_author_of(question)
        if not theirs:
            return self._ignored(question, "there is nothing to stop")
        if await self._ledger.admit(question) is Admission.KNOWN:
            return self._known(question)
        await self._ledger.delivered(question.id, question.attempt, Closed.STOP)
        self._metrics.message("stop")
        for answer in theirs:
            answer.halt(Halt(Ending.STOPPED, wording.STOPPED))
        return Receipt(True, "stopped")

    async def _answer_again(self, answer: Answer, question: Question) -> None:
        """Answer a changed question once the answer to what it was has ended."""
        await answer.over.wait()
        asked = await self._ledger.again(question.id)
        if asked is not None and not self._draining:
            self._answers.start(replace(question, attempt=asked.attempt))

    async def _resume(self, left: Open, ticket: Ticket) -> None:
        """See to what the last run left open."""
        question = None
        try:
            await self._recoverable.wait()
            minutes = self._config.bots.recover_minutes
            async with self._resuming:
                question = await resume(left, self._platform, self._ledger, minutes)
        except OnbrandError as error:
            _log.warning("%s stays open until the next start: %s", left.asked.id, error)
        finally:
            if question is None:
                ticket.leave()
        if question is not None:
            self._answers.start(question, ticket=ticket)

    async def _receive_missed(self, question: Question) -> None:
        """Receive it, unless the platform shows an answer that the ledger does not know."""
        known = await self._ledger.knows(question.id) or is_stop(question.turn.text)
        if not known and not await self._platform.delivered(question, (), ()):
            await self.receive(question)

    def _refusal(self, place: Place, by: str) -> str:
        """Why a person may not have another answer, in a sentence; "" when they may."""
        users = rules_for(self._config, place).users
        return wording.NOT_ALLOWED if users and by not in users else self._flooded(place, by)

    def _flooded(self, place: Place, by: str) -> str:
        """That it was too much, in a sentence; "" when it was not, and then it is counted."""
        wait = self._flood.take(by, place.channel)
        sentence = self._config.bots.flood_sentence
        return sentence.replace("{seconds}", str(math.ceil(wait))) if wait else ""

    def _ignored(self, question: Question, reason: str) -> Receipt:
        self._metrics.message("ignored")
        _log.debug("%s: no answer: %s", question.id, reason)
        command = question.asked_as != "message"
        return Receipt(False, reason, wording.NOT_ALLOWED if command else "")

    def _known(self, question: Question) -> Receipt:
        self._metrics.message("duplicate")
        _log.debug("%s: no answer: it was received before", question.id)
        return Receipt(False, "it was received before")
