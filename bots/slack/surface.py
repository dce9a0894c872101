"""An answer in a Slack thread: streamed, rolled over to further messages, brought to its end."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Collection, Sequence

from bots.platform import AnswerLog, Final, UndeliverableError
from bots.slack import blocks
from bots.slack.message import (
    EditedMessage,
    Mark,
    Message,
    NoStreamsError,
    StoppedByUserError,
    StreamedMessage,
    StreamOverError,
)
from bots.slack.pace import Pace
from bots.slack.status import Status
from bots.slack.thread import Thread
from bots.splitting import SLACK, Part, Splitter, split
from bots.streaming.latest import Latest
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
_APPEND_SECONDS = 0.3
_EDIT_SECONDS = 1.2  # Slack's tier 3 allows 50 edits a minute
_STREAM_SECONDS = 240.0  # Slack ends a stream after some five minutes, whatever is appended
_STARTS = 2
"""Streams of one answer that may fail to begin before it goes on without."""
_WAITING = "Thinking …"
_WORD = re.compile(r"[^\W\d_]\w*")


class ThreadSurface:
    """One answer below its question; see `bots.platform.Surface`.

    Args:
        thread: Where it goes.
        status: The sign of life.
        log: Told of each message.
        pace: Shared by all answers.
        no_streams: Channels that do not allow streaming; added to.
    """

    def __init__(
        self, thread: Thread, status: Status, log: AnswerLog, pace: Pace, no_streams: set[str]
    ) -> None:
        self._thread = thread
        self._status = status
        self._log = log
        self._pace = pace
        self._no_streams = no_streams
        self._splitter = Splitter(SLACK)
        self._messages: list[Message] = []
        self._current: Message | None = None
        self._started = self._edited = 0.0
        self._part = 0  # what `_current` shows is of this part of the text,
        self._offset = 0  # from here,
        self._opening = ""  # after this, which reopens a fence.
        self._text = ""
        self._stopped = False
        self._failed_starts = 0
        self._refused: UndeliverableError | None = None
        self._placing: asyncio.Task[None] | None = None
        self._finishing = asyncio.Event()
        self._writing = asyncio.Lock()
        self._latest = Latest(self._draw, _APPEND_SECONDS)

    async def begin(self) -> None:
        """See `Surface.begin`."""
        if not await self._status.show():
            self._placing = asyncio.create_task(self._place())
            await asyncio.shield(self._placing)

    async def _place(self) -> None:
        """Where Slack shows no status, a message is the sign of life."""
        async with self._writing:
            if self._text or self._messages:
                return
            placeholder = EditedMessage(self._thread, self._mark())
            try:
                await placeholder.place(_WAITING)
            except OnbrandError as error:
                _log.debug("There is no sign of life: %s", error)
                return
            await self._add(placeholder)

    def show(self, text: str) -> None:
        """See `Surface.show`."""
        self._text = text
        self._latest.show(text)

    def stands_in(self, channel: str, root: str) -> bool:
        """Whether it is an answer in that thread."""
        return (self._thread.channel, self._thread.root) == (channel, root)

    def shows(self, streams: Collection[str]) -> bool:
        """Whether one of the messages with these `ts` is its own."""
        return not self._thread.known.isdisjoint(streams)

    def stop_by_user(self) -> None:
        """Slack told us that a person pressed its stop button."""
        self._stopped = True
        self._log.stopped()

    async def finish(self, final: Final) -> None:
        """See `Surface.finish`."""
        self._finishing.set()
        await self._latest.close()
        try:
            if self._placing is not None:
                await self._placing
            if self._refused is not None:
                raise self._refused
            async with self._writing:
                await (self._finish_text(final) if final.text else self._finish_note(final))
        finally:
            await self._status.hide()

    async def _draw(self, text: str) -> None:
        if await self._is_over_after(self._seconds_to_wait()):
            return
        async with self._writing:
            if self._refused is not None:
                return
            try:
                self._splitter.update(self._text)  # newer than `text` after a wait
                await self._advance(self._splitter.closed)
                await self._append(self._certain())
            except StoppedByUserError:
                self.stop_by_user()
            except UndeliverableError as error:
                self._refused = error
                raise

    def _seconds_to_wait(self) -> float:
        """How long Slack's limits say; the first words of an answer never wait."""
        now = asyncio.get_running_loop().time()
        if self._current is None:
            return 0.0
        if isinstance(self._current, StreamedMessage):
            return self._pace.turn(now)
        wait = max(self._edited + _EDIT_SECONDS - now, 0.0)
        self._edited = now + wait
        return wait

    async def _is_over_after(self, seconds: float) -> bool:
        """Wait, unless the answer comes to its end before; whether it did."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finishing.wait(), seconds)
        return self._finishing.is_set()

    def _certain(self) -> str:
        """What the current part will begin with, however the text goes on."""
        if self._splitter.settled is not None:
            return self._splitter.settled.shown
        # The splitter waits for the end of a word; the very first word is not worth waiting.
        first = _WORD.match(self._text)
        return first.group() if first and not self._part else ""

    async def _advance(self, parts: Sequence[Part]) -> None:
        """Bring the messages to their end whose text does not change any more."""
        while self._part < len(parts) and not self._stopped:
            part = parts[self._part]
            if not part.blank:
                await self._close(part, [], last=False)
            self._begin_part(self._part + 1)

    async def _append(self, shown: str) -> None:
        """Show more of the current part, in another message when this one takes no more."""
        while not (self._stopped or self._finishing.is_set()):
            target = self._opening + shown[self._offset :]
            delta = target[len(self._current.text) if self._current else 0 :]
            if not delta.strip():
                return
            try:
                await self._append_delta(delta)
            except StreamOverError:
                await self._roll(shown)
            else:
                return

    async def _append_delta(self, delta: str) -> None:
        if self._current is not None and self._is_old():
            raise StreamOverError
        if self._current is not None:
            await self._current.append(delta)
            return
        message = self._new_message()
        try:
            await message.append(delta)
        except NoStreamsError as error:
            _log.info("No streaming in channel %s: %s", self._thread.channel, error)
            self._no_streams.add(self._thread.channel)
            message = EditedMessage(self._thread, self._mark())
            await message.append(delta)
        await self._add(message)

    def _is_old(self) -> bool:
        """Whether Slack is about to end the current stream by itself."""
        age = asyncio.get_running_loop().time() - self._started
        return isinstance(self._current, StreamedMessage) and age > _STREAM_SECONDS

    async def _roll(self, shown: str) -> None:
        """Leave the current message as it is, whole in itself; the next goes on where it ended."""
        message = self._current
        if message is None:  # not even begun, after a lost response
            self._failed_starts += 1
            await self._is_over_after(0.5)
            return
        offset, closing, opening = self._end_of(message, shown)
        try:
            await message.close(message.text + closing, [], last=False)
        except UndeliverableError as error:  # it may not be edited; its words are there
            _log.debug("A message stays as it is: %s", error)
        self._offset, self._opening, self._current = offset, opening, None

    def _end_of(self, message: Message, shown: str) -> tuple[int, str, str]:
        """Where the next message goes on, and what closes and opens a fence between the two."""
        offset = self._offset + len(message.text) - len(self._opening)
        return offset, *_fence_at(shown[:offset])

    async def _finish_text(self, final: Final) -> None:
        parts = self._splitter.finish(final.text)
        while parts and parts[-1].blank:
            parts.pop()
        for part in parts[self._part :]:
            last = self._part == len(parts) - 1
            if not part.blank:
                ts = self._current.ts if self._current else ""
                rated = self._thread.id(ts) if ts else ""
                below = blocks.ending(final, self._thread.question.id, rated) if last else []
                await self._close(part, below, last)
            self._begin_part(self._part + 1)

    async def _finish_note(self, final: Final) -> None:
        """There is no word of the model."""
        placeholder = self._current or (self._messages[0] if self._messages else None)
        if not final.note:
            if placeholder is not None and placeholder.ts:
                await self._thread.delete(placeholder.ts)
            return
        message = placeholder or EditedMessage(self._thread, self._mark())
        below = blocks.ending(final, self._thread.question.id, "")
        await message.close("", below, last=True)
        await self._add(message)

    async def _close(self, part: Part, below: list[blocks.Block], last: bool) -> None:
        message = self._current or EditedMessage(self._thread, self._mark())
        text = self._opening + (part.shown + part.closing)[self._offset :]
        try:
            await message.close(text, below, last)
        except UndeliverableError:
            if not message.ts or not text.startswith(message.text):
                raise
            # It may not be edited any more, as in some workspaces after a minute.
            self._offset, _, self._opening = self._end_of(message, part.shown)
            self._current = None
            await self._close(part, below, last)
            return
        await self._add(message)

    def _begin_part(self, index: int) -> None:
        self._part, self._offset, self._opening, self._current = index, 0, "", None

    def _new_message(self) -> Message:
        hopeless = self._failed_starts >= _STARTS
        if hopeless or self._thread.channel in self._no_streams:
            return EditedMessage(self._thread, self._mark())
        return StreamedMessage(self._thread, self._mark())

    def _mark(self) -> Mark:
        return Mark(self._thread.question.answer_id, len(self._messages))

    async def _add(self, message: Message) -> None:
        """A message is there, or has its last text: the ledger must know before anything else."""
        if message not in self._messages:
            self._messages.append(message)
            self._status.replaced()
            self._started = asyncio.get_running_loop().time()
        self._current = message
        self._thread.known.add(message.ts)
        await self._log.posted(self._thread.id(message.ts), len(message.text))


def _fence_at(text: str) -> tuple[str, str]:
    """What closes the fence that is open at the end of `text`, and what opens it again."""
    closing = split(text, SLACK)[-1].closing
    if not closing:
        return "", ""
    lines = (line.strip() for line in reversed(text.splitlines()))
    opener = next((line for line in lines if line.startswith(closing.strip())), closing.strip())
    return closing, f"{opener}\n"
