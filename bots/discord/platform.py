"""What the desk asks of Discord."""

import logging
from collections.abc import Sequence
from datetime import datetime

import discord
from cachetools import LRUCache

from bots.discord import catch_up, files, recovery
from bots.discord.command_outlet import CommandOutlet, Deferred
from bots.discord.history import fetch, message_of, reply_chain, turns_before
from bots.discord.lookups import question_from
from bots.discord.outlet import ChannelOutlet, Outlet
from bots.discord.permissions import Refusals
from bots.discord.posting import FAILURES
from bots.discord.surface import AnswerSurface
from bots.platform import AnswerLog, Delivered, Rating
from bots.question import Asked, Attachment, Place, Question, Turn
from onbrand.config.bots import Discord
from onbrand.errors import OnbrandError

THUMBS: dict[str, Rating] = {"👍": "up", "👎": "down"}
_THREAD_NAME_CHARACTERS = 60
_COMMANDS_KEPT = 200
"""In memory, so that "Try again" works: Discord shows nobody again what was typed."""
_log = logging.getLogger(__name__)


class DiscordPlatform:
    """The `bots.platform.Platform` of one client.

    Args:
        client: Logged in before anything is asked.
        settings: [discord].
    """

    name = "discord"

    def __init__(self, client: discord.Client, settings: Discord) -> None:
        self._client = client
        self._settings = settings
        self._refusals = Refusals(client)
        self._commands: LRUCache[str, Question] = LRUCache(_COMMANDS_KEPT)

    @property
    def me(self) -> discord.ClientUser:
        """The bot's own user."""
        if self._client.user is None:
            raise OnbrandError("The bot is not connected to Discord yet.")
        return self._client.user

    async def history(self, question: Question, limit: int) -> list[Turn]:
        """See `Platform.history`."""
        return await turns_before(self._client, self.me, question, limit)

    def surface(self, question: Question, log: AnswerLog) -> AnswerSurface:
        """See `Platform.surface`."""

        async def rate(channel_id: int, message_id: int) -> None:
            if self._settings.thumbs:
                await self._offer_thumbs(channel_id, message_id)

        return AnswerSurface(
            self._outlet(question),
            log,
            rate,
            lambda error: self._refusals.tell(question, error),
        )

    def _outlet(self, question: Question) -> Outlet:
        if isinstance(question.reference, Deferred):
            self._commands[question.id] = question
            return CommandOutlet(self._client, question, question.reference)
        return ChannelOutlet(self._client, question, lambda: self._thread_name(question))

    async def _thread_name(self, question: Question) -> str:
        """The name of the thread that a long talk moves to; "" where it stays."""
        settings, place = self._settings.in_guild(question.place.tenant), question.place
        if not settings.threads or not place.tenant or place.thread or not question.replies_to_us:
            return ""
        message = await message_of(self._client, question)
        if message is None:
            return ""
        # Each answer in the chain has a question before it, and may have several parts.
        chain = await reply_chain(self._client, message, 4 * settings.thread_after)
        answered = [
            each
            for each, before in zip(chain[1:], chain[:-1], strict=True)
            if each.author.id == self.me.id and before.author.id != self.me.id
        ]
        if len(answered) < settings.thread_after:
            return ""
        words = " ".join(question.turn.text.split()) or f"Talk with {question.turn.author_name}"
        return words[:_THREAD_NAME_CHARACTERS]

    async def _offer_thumbs(self, channel_id: int, message_id: int) -> None:
        """Put thumbs under an answer, for people to click; without permission there are none."""
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            for thumb in THUMBS:
                await message.add_reaction(thumb)
        except FAILURES as error:
            _log.debug("Thumbs could not be put under an answer: %s", error)

    async def delivered(
        self, question: Question, known: Sequence[str], earlier: Sequence[str]
    ) -> Delivered | None:
        """See `Platform.delivered`."""
        return await recovery.delivered(self._client, self.me, question, known, earlier)

    async def mark_interrupted(self, question: Question, delivered: Delivered, note: str) -> None:
        """See `Platform.mark_interrupted`."""
        await recovery.mark_interrupted(self._client, question, delivered, note)

    async def reload(self, asked: Asked) -> Question | None:
        """See `Platform.reload`."""
        if asked.asked_as != "message":
            return self._commands.get(asked.id)
        place = asked.place
        guild = int(place.tenant) if place.tenant else None
        channel = self._client.get_partial_messageable(int(place.channel), guild_id=guild)
        message = await fetch(channel, int(asked.id))
        if message is None:
            return None
        return await question_from(self._client, message, self.me)

    async def missed(self, places: Sequence[Place], since: datetime) -> list[Question]:
        """See `Platform.missed`."""
        return await catch_up.missed(self._client, self.me, places, since)

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """See `Platform.fetch`."""
        return await files.download(self._client, attachment, limit)
