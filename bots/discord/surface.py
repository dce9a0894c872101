"""One answer on Discord: messages of at most 2,000 characters, edited while the text grows."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from bots.discord.buttons import Buttons
from bots.discord.drawing import with_note
from bots.discord.outlet import Outlet
from bots.discord.posting import MessageGoneError
from bots.discord.questions import message_name
from bots.platform import AnswerLog, Final, UndeliverableError
from bots.splitting import DISCORD, Part, Splitter
from bots.streaming.latest import Latest

_log = logging.getLogger(__name__)
_PACE_SECONDS = 1.0
"""Between two edits. Discord allows five in five seconds in a channel."""


@dataclass
class _Shown:
    """A message that Discord has."""

    message_id: int
    content: str
    buttons: Buttons


class AnswerSurface:
    """Draws one answer. A message of it has a stop button until `finish` is through.

    Args:
        outlet: Where its messages go.
        log: Told of each of them.
        rate: Offers thumbs under the message of that channel and id.
        refused: Told when the answer cannot be delivered.
    """

    def __init__(
        self,
        outlet: Outlet,
        log: AnswerLog,
        rate: Callable[[int, int], Awaitable[None]],
        refused: Callable[[UndeliverableError], Awaitable[None]],
    ) -> None:
        self._outlet = outlet
        self._log = log
        self._rate = rate
        self._tell_refused = refused
        self._splitter = Splitter(DISCORD)
        self._latest = Latest(self._draw, _PACE_SECONDS)
        self._typing: asyncio.Task[None] | None = None
        self._opened: int | None = None
        self._shown: list[_Shown] = []
        self._posts = 0
        self._channel_id = 0
        self._refused: UndeliverableError | None = None

    async def begin(self) -> None:
        """Type; a command says "thinking" already."""
        self._typing = asyncio.create_task(self._outlet.keep_typing())
        if opened := self._outlet.opened():
            self._opened = opened[1]
            await self._log.posted(message_name(*opened), 0)

    def show(self, text: str) -> None:
        """Draw it about once a second, the newest only."""
        self._latest.show(text)

    async def _draw(self, text: str) -> None:
        if self._refused is not None:
            return
        self._splitter.update(text)
        parts = [*self._splitter.closed, *filter(None, [self._splitter.open])]
        try:
            await self._grow([part for part in parts if not part.blank])
        except UndeliverableError as error:
            # Deleted by a person, or no message is taken: there is no use in going on.
            self._refused = error
            self._log.stopped()

    async def _grow(self, parts: list[Part]) -> None:
        """Bring the messages to `parts`; the last of them has the stop button."""
        for index, part in enumerate(parts):
            if index < len(self._shown):
                await self._change(self._shown[index], part.text, self._shown[index].buttons)
            else:
                # The new message first: until it is there, the one before says "not all yet".
                await self._post(part.text, "stop", len(part.source))
                if index > 0:
                    before = self._shown[index - 1]
                    await self._change(before, before.content, "")

    async def finish(self, final: Final) -> None:
        """All of it, with its note and buttons."""
        await self._latest.close()
        try:
            await self._finish(final)
        except MessageGoneError:
            return  # what a person deleted does not come back
        except UndeliverableError as error:
            await self._tell_refused(error)
            raise
        finally:
            if self._typing is not None:
                self._typing.cancel()
                with suppress(asyncio.CancelledError):
                    await self._typing

    async def _finish(self, final: Final) -> None:
        if self._refused is not None:
            raise self._refused
        parts = [part for part in self._splitter.finish(final.text) if not part.blank]
        texts = with_note([part.text for part in parts], final.note)
        if not texts:
            if self._opened is not None:
                await self._outlet.delete(self._opened)
            return
        sizes = [len(part.source) for part in parts] + [0]
        await self._complete(texts, sizes, "retry" if final.may_retry else "")
        if final.may_rate:
            await self._rate(self._channel_id, self._shown[-1].message_id)

    async def _complete(self, texts: list[str], sizes: list[int], buttons: Buttons) -> None:
        """Until all is there, a message with a stop button says that it is not."""
        last = len(texts) - 1
        growing = len(texts) > max(len(self._shown), 1)
        outdated: list[_Shown] = []
        for index, text in enumerate(texts):
            wanted: Buttons = buttons if index == last else ""
            if index < len(self._shown):
                shown = self._shown[index]
                if await self._change(shown, text, shown.buttons if growing else wanted):
                    continue
                if shown.content == text:
                    continue  # only its button is an old one
                # It and what follows are said again below, in their order.
                outdated += self._shown[index:]
                del self._shown[index:]
            await self._post(text, "stop" if index == 0 and growing else wanted, sizes[index])
        for surplus in [*outdated, *self._shown[len(texts) :]]:
            with suppress(UndeliverableError):
                await self._outlet.delete(surplus.message_id)
        del self._shown[len(texts) :]
        for shown in self._shown[:-1]:
            await self._change(shown, shown.content, "")

    async def _post(self, content: str, buttons: Buttons, characters: int) -> None:
        after = self._shown[-1].message_id if self._shown else None
        # Numbered by posts: Discord would take one with a number it knows for that message.
        channel, message_id = await self._outlet.post(self._posts, content, buttons, after)
        self._channel_id = channel
        self._posts += 1
        self._shown.append(_Shown(message_id, content, buttons))
        await self._log.posted(message_name(self._channel_id, message_id), characters)

    async def _change(self, shown: _Shown, content: str, buttons: Buttons) -> bool:
        """Whether it is so now. An edit that is refused may be taken the next time, or later on."""
        if (shown.content, shown.buttons) == (content, buttons):
            return True
        try:
            await self._outlet.edit(shown.message_id, content, buttons)
        except MessageGoneError:
            raise
        except UndeliverableError as error:
            _log.info("A message of an answer could not be changed: %s", error)
            return False
        shown.content, shown.buttons = content, buttons
        return True
