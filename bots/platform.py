"""The contract between a platform (Slack, Discord) and the desk that answers.

A platform translates its events into `Question`s for the `FrontDesk`, and draws answers on
`Surface`s. Whether to answer, what to say, in which order, what to do after a crash: the desk
decides. All methods run in one event loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from bots.question import Asked, Attachment, Place, Question, Turn
from onbrand.errors import OnbrandError

Rating = Literal["up", "down"]


class UndeliverableError(OnbrandError):
    """The platform will not take this answer, however often it is tried.

    A channel that is gone, a missing permission. The sentence says what a person can do about it.
    """


class Ending(StrEnum):
    """How an answer came to its end."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    """A person stopped it, or changed or deleted the question."""
    INTERRUPTED = "interrupted"
    """The bot was shut down or crashed."""
    FAILED = "failed"
    """The model or the gateway failed."""


@dataclass(frozen=True)
class Final:
    """An answer at its end."""

    text: str
    """All of it. It begins with whatever was shown; "" when nothing was."""
    ending: Ending
    note: str = ""
    """A sentence of the bot, not of the model, shown apart below the text (or alone): why it ended,
    or what could not be taken into account."""
    may_retry: bool = False
    """Whether to offer a button that calls `FrontDesk.retry`."""
    may_rate: bool = False
    """Whether to offer thumbs that call `FrontDesk.feedback`."""


@dataclass(frozen=True)
class Delivered:
    """What a platform shows of an answer."""

    message_ids: tuple[str, ...]
    """Oldest first, in the form of `AnswerLog.posted`."""
    whole: bool
    """Whether `Surface.finish` or `Platform.mark_interrupted` had brought it to its end. False
    where the platform cannot tell."""
    reference: object = None
    """What the platform needs to mark it."""


class AnswerLog(Protocol):
    """Where a surface says what happened to its answer on the platform."""

    async def posted(self, message_id: str, characters: int) -> None:
        """The platform accepted a message, or more text in one that it had accepted.

        Await it after each new message before the next request: it is what keeps an answer from
        being repeated when the process is killed. For further text in the same message it may be
        left out or be told as often as is cheap.

        Args:
            message_id: Unique on the whole platform, so with the channel in it on Slack.
            characters: Of the answer's text in this message now.
        """

    def stopped(self) -> None:
        """A person used the platform's own stop button; the desk then calls `finish`."""


class Surface(Protocol):
    """One answer on the platform. The calls come in the order begin, show…, finish."""

    async def begin(self) -> None:
        """Show a sign of life at once: a status, typing. Keep it alive until text or `finish`.

        The desk does not wait for it, and it may still be under way when `show` comes. Where only
        a message can be a sign of life, it is told to `AnswerLog.posted` with 0 characters.
        """

    def show(self, text: str) -> None:
        """Show the answer so far, when the platform's pace allows; returns at once.

        Args:
            text: All of the answer so far; begins with what was given before.
        """

    async def finish(self, final: Final) -> None:
        """Bring the answer to its end; all of it is on the platform when this returns.

        The sign of life and the stop button go. With neither text nor note, nothing is posted.
        What may pass (429, 5xx, a lost connection) is tried again for minutes. After `finish`
        the surface is closed, and no request of it is under way.

        Raises:
            UndeliverableError: the platform will never take it.
        """


class Platform(Protocol):
    """What the desk needs from Slack or Discord."""

    name: str
    """`slack` or `discord`."""

    async def history(self, question: Question, limit: int) -> list[Turn]:
        """What was said before `question`, oldest first: its thread, reply chain or DM.

        Args:
            question: Not among the result.
            limit: The newest turns are returned, at most this many.

        Raises:
            OnbrandError: it cannot be read; the question is then answered alone.
        """

    def surface(self, question: Question, log: AnswerLog) -> Surface:
        """Where the answer to `question` (in this attempt) goes; asks the platform nothing yet."""

    async def delivered(
        self, question: Question, known: Sequence[str], earlier: Sequence[str]
    ) -> Delivered | None:
        """What the platform already shows as our answer to `question`; None: nothing.

        Asked after a crash, of an answer that may have been begun. A message that the platform
        accepted just before the crash must be found although nobody was told of it.

        Args:
            question: As `reload` gave it.
            known: Messages of this attempt that `posted` was told of; more may be there.
            earlier: Messages of earlier attempts, which do not count.

        Raises:
            OnbrandError: it cannot be found out; the desk tries again, and does not answer.
        """

    async def mark_interrupted(self, question: Question, delivered: Delivered, note: str) -> None:
        """Say below an answer that was cut off by a crash that it was, and offer a retry.

        The stop button goes, the text stays. Called twice (a crash in between), it marks once.

        Raises:
            UndeliverableError: the platform will never take it.
        """

    async def reload(self, asked: Asked) -> Question | None:
        """The question again, read from the platform; None when it is gone.

        Commands cannot be read again; they are known for as long as the process lives.

        Raises:
            OnbrandError: the platform does not answer.
        """

    async def missed(self, places: Sequence[Place], since: datetime) -> list[Question]:
        """What was said to us while we were away, oldest first.

        Whatever was received already does no harm; the desk knows it.

        Args:
            places: Where we talked lately, the latest first; the platform adds those it knows of
                (mentions, DMs).
            since: In UTC; some minutes ago.
        """

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """The content of an attachment.

        Args:
            attachment: Of a turn that this platform made.
            limit: Bytes; a larger one is refused.

        Raises:
            OnbrandError: too large, not allowed, gone.
        """


@dataclass(frozen=True)
class Receipt:
    """What becomes of something a person did."""

    accepted: bool
    """An answer will come. For `stop` and `feedback`: it was done."""
    reason: str
    """Why, or why not: a phrase for the debug log."""
    sentence: str = ""
    """What to tell the person who pressed a button or typed a command, unseen by others where that
    can be; "" when nothing. Messages are answered on their surface, and have none."""


class FrontDesk(Protocol):
    """What a platform calls. Nothing raises for what a person did wrong."""

    async def receive(self, question: Question) -> Receipt:
        """A question, or what may be one: mentions, DMs, messages in threads and channels.

        Returns once it is written down, in milliseconds: acknowledge the event then. Commands and
        bare "stop"s come here as well. Repeated deliveries are recognised.
        """

    async def edited(self, question: Question) -> None:
        """A message was changed; `question` is as it is now. Most are none of ours."""

    async def deleted(self, question_id: str) -> None:
        """A message was deleted."""

    async def stop(self, question_id: str, by: str) -> Receipt:
        """The person `by` pressed the stop button on the answer to a question."""

    async def retry(self, question_id: str, by: str) -> Receipt:
        """The person `by` pressed the retry button on the answer to a question."""

    async def feedback(self, message_id: str, by: str, rating: Rating) -> Receipt:
        """The person `by` rated an answer, named by any message of it as told to `posted`."""


class Bot(Protocol):
    """A platform's process: connects, hands events to the desk, draws answers."""

    @property
    def platform(self) -> Platform:
        """What the desk answers on; there before `start`."""

    async def start(self) -> None:
        """Connect; events flow when this returns.

        Raises:
            OnbrandError: a token is missing or refused, an intent is off: what to do about it.
        """

    def connected(self) -> bool:
        """Whether events can arrive now; `/ready` says so."""

    async def wait(self) -> None:
        """Return when the connection was closed for good.

        Raises:
            OnbrandError: it cannot be opened again, such as a token that was revoked.
        """

    async def stop(self) -> None:
        """Disconnect. The desk has finished its answers by then. Also after a failed `start`."""
