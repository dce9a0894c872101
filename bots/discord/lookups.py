"""What an event leaves out, and a question needs: the channel, the message replied to."""

import logging

import discord

from bots.discord.history import channel_of, fetch
from bots.discord.posting import FAILURES
from bots.discord.questions import question_of
from bots.question import Question
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)


async def question_from(
    client: discord.Client, message: discord.Message, me: discord.abc.User
) -> Question:
    """A message as a question; what discord.py does not know of it is asked from Discord."""
    if isinstance(message.channel, discord.PartialMessageable):
        message.channel = await _known_channel(client, message.channel)  # type: ignore[assignment]
    if message.author.id != me.id:
        await _resolve_reply(client, message)
    return question_of(message, me)


async def _known_channel(
    client: discord.Client, channel: discord.PartialMessageable
) -> discord.abc.Snowflake:
    known = client.get_channel(channel.id)
    if known is not None:
        return known
    try:
        return await client.fetch_channel(channel.id)
    except (*FAILURES, discord.InvalidData) as error:
        _log.debug("A channel could not be looked up: %s", error)
        return channel


async def _resolve_reply(client: discord.Client, message: discord.Message) -> None:
    """Find out what it replies to, where the event names that by its id alone."""
    reference = message.reference
    if message.type is not discord.MessageType.reply or reference is None:
        return
    if reference.resolved or reference.cached_message or reference.message_id is None:
        return
    guild_id = str(message.guild.id) if message.guild else ""
    try:
        original = await fetch(
            channel_of(client, str(reference.channel_id), guild_id), reference.message_id
        )
    except OnbrandError as error:
        _log.debug("What a message replies to could not be looked up: %s", error)
    else:
        reference.resolved = original
