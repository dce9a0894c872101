"""Where the messages of one answer go: into a channel, or as the response to a command."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import discord

from bots.discord.buttons import Buttons, view_of
from bots.discord.posting import FAILURES, MessageGoneError, persist
from bots.platform import UndeliverableError
from bots.question import Question
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
_TYPING_SECONDS = 8.0
"""Discord shows one typing for ten."""


class Outlet(Protocol):
    """Puts messages on Discord; each call returns once it is there, and repeats are harmless."""

    def opened(self) -> tuple[int, int] | None:
        """Channel and id of a message that is a sign of life already; None: there is none."""

    async def keep_typing(self) -> None:
        """Show that an answer is coming, until cancelled; returns where something else does."""

    async def post(
        self, part: int, content: str, buttons: Buttons, after: int | None
    ) -> tuple[int, int]:
        """A new message; its channel and id. `after`: the part before it."""

    async def edit(self, message_id: int, content: str, buttons: Buttons) -> None:
        """Change one of them."""

    async def delete(self, message_id: int) -> None:
        """Take one of them away."""


class ChannelOutlet:
    """Messages in a channel, thread or DM, found again after a crash because each is a reply.

    The first replies to the question, each other to the one before it.

    Args:
        client: Connected.
        question: Whose answer it is.
        thread_name: Gives the name of the thread that the answer opens under the question; "":
            it opens none. Asked when the first message is posted.
    """

    def __init__(
        self,
        client: discord.Client,
        question: Question,
        thread_name: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._client = client
        self._question = question
        self._thread_name = thread_name
        self._guild_id = int(question.place.tenant) if question.place.tenant else None
        self._channel_id = int(question.place.channel)

    @property
    def _channel(self) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(self._channel_id, guild_id=self._guild_id)

    def opened(self) -> tuple[int, int] | None:
        """Typing is the sign of life here."""
        return None

    async def keep_typing(self) -> None:
        """Type again and again; that it fails is no reason not to answer."""
        while True:
            try:
                await self._channel.typing()
            except FAILURES as error:
                _log.debug("Typing could not be shown: %s", error)
            await asyncio.sleep(_TYPING_SECONDS)

    async def post(
        self, part: int, content: str, buttons: Buttons, after: int | None
    ) -> tuple[int, int]:
        """Post with a nonce, which makes Discord return a message that it has already."""
        replied = after or int(self._question.id)
        if part == 0 and await self._open_thread():
            replied = 0  # the thread hangs below the question
        name = nonce(self._question.answer_id, part)
        view = view_of(buttons, self._question.id) or discord.utils.MISSING

        async def reply() -> discord.Message:
            return await self._channel.send(
                content, nonce=name, view=view, reference=self._reference(replied)
            )

        async def say() -> discord.Message:
            return await self._channel.send(content, nonce=name, view=view)

        try:
            message = await persist(reply if replied else say)
        except UndeliverableError:
            # What it replies to may be gone, or not for us to read. Alone it may be welcome.
            if not replied:
                raise
            message = await persist(say)
        if message.content != content.strip():
            # Posted before by a process that was killed: bring it to what it is now.
            await self.edit(message.id, content, buttons)
        return self._channel_id, message.id

    def _reference(self, message_id: int) -> discord.MessageReference:
        return discord.MessageReference(
            message_id=message_id,
            channel_id=self._channel_id,
            guild_id=self._guild_id,
            fail_if_not_exists=False,
        )

    async def _open_thread(self) -> bool:
        """Go on in a thread under the question; without it, in the channel."""
        question = self._channel.get_partial_message(int(self._question.id))
        try:
            if self._thread_name is None or not (name := await self._thread_name()):
                return False
            await persist(lambda: question.create_thread(name=name))
        except OnbrandError as error:
            # It may have been opened before a crash, or by a person.
            if not await self._thread_exists():
                _log.info("The talk goes on in its channel, not in a thread: %s", error)
                return False
        self._channel_id = int(self._question.id)  # a thread has the id of the message it is under
        return True

    async def _thread_exists(self) -> bool:
        try:
            await persist(lambda: self._client.fetch_channel(int(self._question.id)))
        except UndeliverableError:
            return False
        return True

    async def edit(self, message_id: int, content: str, buttons: Buttons) -> None:
        """Edit without reading the message first."""
        message = self._channel.get_partial_message(message_id)
        view = view_of(buttons, self._question.id)
        await persist(lambda: message.edit(content=content, view=view))

    async def delete(self, message_id: int) -> None:
        """Delete; gone already is as good."""
        message = self._channel.get_partial_message(message_id)
        try:
            await persist(message.delete)
        except MessageGoneError:
            return


def nonce(answer_id: str, part: int) -> str:
    """Names one message of one answer; at most 25 characters."""
    return hashlib.blake2s(f"{answer_id}/{part}".encode()).hexdigest()[:24]
