"""The answer to a command: Discord's response to it, then messages that reply to that."""

from dataclasses import dataclass

import discord

from bots.discord.buttons import Buttons, view_of
from bots.discord.outlet import ChannelOutlet
from bots.discord.posting import MessageGoneError, persist
from bots.platform import UndeliverableError
from bots.question import Question


@dataclass(frozen=True)
class Deferred:
    """A command that was acknowledged: people see "thinking" where its response will be."""

    interaction: discord.Interaction
    message_id: int
    """Of the response."""


class CommandOutlet:
    """The first message is the response; the others are posted as anywhere else.

    So is another attempt, below the response that tells of the failure of the first.

    Args:
        client: Connected.
        question: The command.
        deferred: Its response, not yet written.
    """

    def __init__(self, client: discord.Client, question: Question, deferred: Deferred) -> None:
        self._channel = ChannelOutlet(client, question)
        self._question = question
        self._interaction = deferred.interaction
        self._message_id = deferred.message_id
        self._responds = question.attempt == 1

    def opened(self) -> tuple[int, int] | None:
        """The response that says "thinking"."""
        return (int(self._question.place.channel), self._message_id) if self._responds else None

    async def keep_typing(self) -> None:
        """The response says it as long as it is empty."""
        if not self._responds:
            await self._channel.keep_typing()

    async def post(
        self, part: int, content: str, buttons: Buttons, after: int | None
    ) -> tuple[int, int]:
        """The response, or a message after it."""
        if part == 0 and self._responds:
            await self.edit(self._message_id, content, buttons)
            return int(self._question.place.channel), self._message_id
        try:
            return await self._channel.post(part, content, buttons, after or self._message_id)
        except UndeliverableError:
            # Commands also work where the bot may not write by itself.
            view = view_of(buttons, self._question.id) or discord.utils.MISSING
            sent = await persist(
                lambda: self._interaction.followup.send(content, view=view, wait=True)
            )
            return int(self._question.place.channel), sent.id

    async def edit(self, message_id: int, content: str, buttons: Buttons) -> None:
        """Edit through the interaction, which needs no permission; it lives for 15 minutes."""
        if message_id == self._message_id and not self._interaction.is_expired():
            view = view_of(buttons, self._question.id)
            await persist(
                lambda: self._interaction.edit_original_response(content=content, view=view)
            )
        else:
            await self._channel.edit(message_id, content, buttons)

    async def delete(self, message_id: int) -> None:
        """Delete; gone already is as good."""
        if message_id != self._message_id:
            await self._channel.delete(message_id)
            return
        try:
            await persist(self._interaction.delete_original_response)
        except MessageGoneError:
            return
