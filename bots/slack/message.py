"""One message of an answer: streamed where Slack lets us, else posted and edited.

A request whose response was lost may have been done or not. Text that was appended in doubt is put
right at the message's end by `chat.update`, which sets all of it; a message that was posted or
begun in doubt is looked for in its thread.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Protocol

from slack_sdk.web.async_chat_stream import AsyncChatStream

from bots.slack import blocks
from bots.slack.blocks import Block
from bots.slack.thread import Thread
from bots.slack.web import (
    ERRORS,
    code,
    is_limited,
    may_be_done,
    persist,
    sentence,
    trouble,
    will_pass,
)
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
_NOWHERE = {
    "account_inactive",
    "channel_not_found",
    "invalid_auth",
    "is_archived",
    "not_in_channel",
}
_NOWHERE |= {"thread_not_found", "token_revoked", "restricted_action", "message_not_found"}
_ENDED = "message_not_in_streaming_state"


class StreamOverError(Exception):
    """Nothing can be appended any more; the text that should have been was not."""


class StoppedByUserError(Exception):
    """A person pressed Slack's own stop button."""


class NoStreamsError(Exception):
    """Streaming is not allowed here; posting may be."""


@dataclass
class Mark:
    """Which answer a message belongs to."""

    answer_id: str
    part: int

    def metadata(self, last: bool, empty: bool = False) -> dict[str, Any]:
        """For the message."""
        return blocks.metadata(self.answer_id, self.part, last, empty)


class Message(Protocol):
    """A message on Slack that text is appended to."""

    text: str
    """What it shows of the answer."""
    ts: str

    async def append(self, delta: str) -> None:
        """Show more text.

        Raises:
            StreamOverError: it must go into another message.
            StoppedByUserError: it must not be shown.
            NoStreamsError: when it was the first, and another kind of message may do.
            OnbrandError: nothing can be shown now; UndeliverableError: nor later.
        """

    async def close(self, text: str, below: list[Block], last: bool) -> None:
        """Set all the text and what comes below it; tried again for minutes.

        Raises:
            OnbrandError: Slack does not take it; UndeliverableError: it never will.
        """


class StreamedMessage:
    """A message in Slack's own streaming, with its stop button.

    https://docs.slack.dev/reference/methods/chat.startStream
    """

    def __init__(self, thread: Thread, mark: Mark) -> None:
        self.text = ""
        self.ts = ""
        self._thread = thread
        self._mark = mark
        self._stream: AsyncChatStream | None = None
        self._held = ""
        """What Slack refused for now; the SDK's stream keeps it, and sends it with what follows."""
        self._over = False
        """Whether nothing can be appended any more."""
        self._ended = False
        """Whether it is known to be out of its streaming state, so that it can be edited."""

    async def append(self, delta: str) -> None:
        """See `Message.append`."""
        if self._over:
            raise StreamOverError
        if self._stream is None:
            await self._start(delta)
            return
        try:
            await self._stream.append(markdown_text=delta[len(self._held) :])
        except ERRORS as error:
            if is_limited(error):
                self._held = delta
                raise trouble(error) from error
            self._over = True
            self._ended = code(error) == _ENDED
            if code(error) == "stopped_by_user":
                raise StoppedByUserError from error
            raise StreamOverError from error
        self.text += delta
        self._held = ""

    async def close(self, text: str, below: list[Block], last: bool) -> None:
        """See `Message.close`."""
        metadata = self._mark.metadata(last)
        sent = self.text + self._held
        if self._over or self._stream is None or not text.startswith(sent):
            await self._end()
        elif await self._stop(text[len(sent) :], below, metadata):
            self.text = text
            return
        await _update(self._thread, self.ts, text, below, metadata)
        self.text = text

    async def _stop(self, rest: str, below: list[Block], metadata: dict[str, Any]) -> bool:
        """End the stream with its last words; False when that has to be done in another way."""
        assert self._stream is not None  # noqa: S101 - `close` has looked
        try:
            await self._stream.stop(
                markdown_text=rest if rest.strip() else None, blocks=below, metadata=metadata
            )
        except ERRORS as error:
            self._ended = code(error) == _ENDED
            await self._end()
            return False
        return True

    async def _start(self, delta: str) -> None:
        stream = await self._thread.stream()
        try:
            await stream.append(markdown_text=delta)
        except ERRORS as error:
            if code(error) not in _NOWHERE and not will_pass(error):
                raise NoStreamsError(sentence(error)) from error
            if not may_be_done(error):
                raise trouble(error) from error
            await self._adopt(delta, error)
        else:
            self.ts, self.text = str(stream.ts or ""), delta
        self._stream = stream

    async def _adopt(self, delta: str, cause: Exception) -> None:
        """Take over the message that may have been begun although the response was lost."""
        try:
            self.ts = await persist(self._thread.orphan)
        except ERRORS as error:
            raise trouble(error) from error
        if not self.ts:
            raise StreamOverError from cause
        self._over = True
        await self._end()
        await _update(self._thread, self.ts, delta, [], self._mark.metadata(False))
        self.text = delta

    async def _end(self) -> None:
        """Take the message out of its streaming state, so that it can be edited."""
        if self._ended:
            return

        async def stop() -> None:
            await self._thread.stop_stream(self.ts)

        try:
            await persist(stop)
        except ERRORS as error:  # it is out of it already
            _log.debug("A stream was over: %s", sentence(error))


class EditedMessage:
    """A message that is posted, then edited; with a stop button of ours.

    https://docs.slack.dev/reference/methods/chat.update
    """

    def __init__(self, thread: Thread, mark: Mark) -> None:
        self.text = ""
        self.ts = ""
        self._thread = thread
        self._mark = mark

    async def place(self, waiting: str) -> None:
        """Post it without a word of the answer, as a sign of life."""
        below = blocks.working(self._thread.question.id, waiting)
        await self._post(waiting, below, self._mark.metadata(False, empty=True))

    async def append(self, delta: str) -> None:
        """See `Message.append`."""
        text = self.text + delta
        below = blocks.working(self._thread.question.id, "")
        whole = [*blocks.markdown(text), *below]
        if not self.ts:
            await self._post(text, whole, self._mark.metadata(False))
        else:
            try:
                await self._thread.update(self.ts, text, whole, self._mark.metadata(False))
            except ERRORS as error:
                if will_pass(error):  # the next edit, or the end, sets all of the text
                    return
                raise trouble(error) from error
        self.text = text

    async def close(self, text: str, below: list[Block], last: bool) -> None:
        """See `Message.close`."""
        metadata = self._mark.metadata(last)
        if self.ts:
            await _update(self._thread, self.ts, text, below, metadata)
        else:
            await self._post(text, [*blocks.markdown(text), *below], metadata)
        self.text = text

    async def _post(self, text: str, whole: list[Block], metadata: dict[str, Any]) -> None:
        """Post once, however often the response is lost."""
        part = str(self._mark.part)
        for attempt in range(6):
            try:
                if attempt:
                    self.ts = await persist(lambda: self._thread.find(self._mark.answer_id, part))
                self.ts = self.ts or await self._thread.post(text, whole, metadata)
            except ERRORS as error:
                if not will_pass(error):
                    raise trouble(error) from error
                await asyncio.sleep(0.5 * 2**attempt)
            else:
                return
        raise OnbrandError("Slack did not take the message; it cannot be reached.")


async def _update(
    thread: Thread, ts: str, text: str, below: list[Block], metadata: dict[str, Any]
) -> None:
    whole = [*blocks.markdown(text), *below]

    async def update() -> None:
        await thread.update(ts, text, whole, metadata)

    try:
        await persist(update)
    except ERRORS as error:
        raise trouble(error) from error
