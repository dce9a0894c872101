"""A platform in memory: what Slack or Discord would keep of questions and answers.

It takes time over each request, and accepts a message before it says so, as networks do.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bots.platform import AnswerLog, Delivered, Ending, Final, UndeliverableError
from bots.question import Asked, Attachment, Place, Question, Turn
from bots.streaming.latest import Latest
from onbrand.errors import OnbrandError

DM = Place("fake", "T1", "D1", kind="dm")


def question(number: int = 1, text: str = "", place: Place = DM, by: str = "U1") -> Question:
    """A message; in a DM it wants an answer."""
    said = text or f"question {number}"
    turn = Turn(by, "Ana" if by == "U1" else by, said, datetime.now(UTC), message_id=f"q{number}")
    return Question(f"q{number}", place, turn, event_ids=(f"e{number}",))


@dataclass
class Post:
    """A message of ours on the platform."""

    id: str
    answer_id: str
    text: str = ""
    final: Final | None = None
    """Set on the last message of an answer when it ended."""


@dataclass
class FakePlatform:
    name: str = "fake"
    pace: float = 0.01
    """Between two edits, seconds."""
    delay: float = 0.0
    """Of each request, half of it after it was accepted."""
    limit: int = 2000
    """Characters of a message."""
    questions: dict[str, Question] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    signs: dict[str, float] = field(default_factory=dict)
    """When each answer showed a sign of life, by answer id, in the loop's time."""
    offline: bool = False
    closed_channels: set[str] = field(default_factory=set)
    turns: list[Turn] = field(default_factory=list)
    """What `history` says."""
    away: list[Question] = field(default_factory=list)
    """What `missed` says."""
    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, asked: Question) -> Question:
        """A person wrote it."""
        self.questions[asked.id] = asked
        return asked

    def answer(self, question_id: str, attempt: int = 1) -> str:
        """All text that is shown as the answer."""
        return "".join(post.text for post in self.of(f"{question_id}#{attempt}"))

    def final(self, question_id: str, attempt: int = 1) -> Final | None:
        """How the answer ended."""
        finals = [post.final for post in self.of(f"{question_id}#{attempt}") if post.final]
        assert len(finals) <= 1, finals
        return finals[0] if finals else None

    def of(self, answer_id: str) -> list[Post]:
        return [post for post in self.posts if post.answer_id == answer_id]

    def accept(self, post: Post) -> None:
        """From here on everybody sees the message as it is now."""

    async def request(self) -> None:
        """The way there; what follows is accepted even if nobody is told any more."""
        await asyncio.sleep(self.delay / 2)
        if self.offline:
            raise OnbrandError("The fake platform is offline.")

    async def history(self, question: Question, limit: int) -> list[Turn]:
        await self.request()
        return self.turns[-limit:]

    def surface(self, question: Question, log: AnswerLog) -> "FakeSurface":
        return FakeSurface(self, question, log)

    async def delivered(
        self, question: Question, known: Sequence[str], earlier: Sequence[str]
    ) -> Delivered | None:
        await self.request()
        posts = self.of(question.answer_id)
        assert set(known) <= {post.id for post in posts}
        whole = any(post.final for post in posts)
        return Delivered(tuple(post.id for post in posts), whole) if posts else None

    async def mark_interrupted(self, question: Question, delivered: Delivered, note: str) -> None:
        await self.request()
        last = self.of(question.answer_id)[-1]
        last.final = last.final or Final(last.text, Ending.INTERRUPTED, note, may_retry=True)
        self.accept(last)
        await asyncio.sleep(self.delay / 2)

    async def reload(self, asked: Asked) -> Question | None:
        await self.request()
        return self.questions.get(asked.id)

    async def missed(self, places: Sequence[Place], since: datetime) -> list[Question]:
        await self.request()
        return [asked for asked in self.away if asked.turn.at >= since]

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        await self.request()
        return self.files[attachment.name][:limit]


class FakeSurface:
    def __init__(self, platform: FakePlatform, question: Question, log: AnswerLog) -> None:
        self._platform = platform
        self._question = question
        self._log = log
        self._latest = Latest(self._draw, platform.pace)
        self.closed = False

    async def begin(self) -> None:
        await self._platform.request()
        assert not self.closed
        now = asyncio.get_running_loop().time()
        self._platform.signs.setdefault(self._question.answer_id, now)

    def show(self, text: str) -> None:
        assert not self.closed
        self._latest.show(text)

    async def finish(self, final: Final) -> None:
        assert not self.closed
        await self._latest.close()
        self.closed = True
        if self._question.place.channel in self._platform.closed_channels:
            raise UndeliverableError("The channel is archived; open it again.")
        if final.text or final.note:
            await self._draw(final.text, final)

    async def _draw(self, text: str, final: Final | None = None) -> None:
        """Bring the messages up to the text: edit the last one, add what is needed."""
        limit = self._platform.limit
        parts = [text[at : at + limit] for at in range(0, max(len(text), 1), limit)]
        for number, part in enumerate(parts):
            ends = final if number == len(parts) - 1 else None
            await self._put(number, part, ends)

    async def _put(self, number: int, text: str, final: Final | None) -> None:
        shown = self._platform.of(self._question.answer_id)
        if number < len(shown) and shown[number].text == text and not final:
            return
        await self._platform.request()
        if number < len(shown):
            post = shown[number]
            assert text.startswith(post.text), "an answer only grows"
        else:
            post = Post(f"m{len(self._platform.posts) + 1}", self._question.answer_id)
            self._platform.posts.append(post)
        post.text = text
        post.final = final
        self._platform.accept(post)
        await asyncio.sleep(self._platform.delay / 2)
        await self._log.posted(post.id, len(text))


def elsewhere(place: Place, **changes: str) -> Place:
    return replace(place, **changes)  # type: ignore[arg-type]
