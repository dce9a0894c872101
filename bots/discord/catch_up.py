"""What was said to us while we were away, as far as Discord lets a bot see it.

Discord does not keep events for a session that is lost, so channels are read. Which of them had
something new, the guilds' own channel lists say; direct messages are only known where we talked.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

import discord

from bots.discord.history import channel_of, read
from bots.discord.lookups import question_from
from bots.question import Place, Question
from onbrand.errors import OnbrandError

Readable = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread
_log = logging.getLogger(__name__)
_MOST_CHANNELS = 500
_MOST_MESSAGES = 100
"""In one channel; the newest."""
_AT_ONCE = 8
"""Channels that are read at the same time."""


async def missed(
    client: discord.Client, me: discord.abc.User, places: Sequence[Place], since: datetime
) -> list[Question]:
    """See `bots.platform.Platform.missed`."""
    start = discord.utils.time_snowflake(since)
    channels = {str(each.id): str(each.guild.id) for each in _with_news(client, me, start)}
    channels |= {place.channel: place.tenant for place in places if place.channel not in channels}
    turn = asyncio.Semaphore(_AT_ONCE)

    async def said_in(channel_id: str, guild_id: str) -> list[Question]:
        try:
            async with turn:
                said = await _newest(client, channel_id, guild_id, start)
        except OnbrandError as error:
            _log.warning("Messages of the last minutes in %s were not read: %s", channel_id, error)
            return []
        return [await question_from(client, each, me) for each in said]

    wanted = list(channels.items())[:_MOST_CHANNELS]
    found = await asyncio.gather(*(said_in(*channel) for channel in wanted))
    questions = [each for said in found for each in said if _said_to_us(each)]
    return sorted(questions, key=lambda each: int(each.id))


def _said_to_us(question: Question) -> bool:
    """Whether it may be; what was said among people needs no look."""
    place = question.place
    directed = place.kind == "dm" or bool(place.thread)
    return not question.from_us and (directed or question.mentioned or question.replies_to_us)


async def _newest(
    client: discord.Client, channel_id: str, guild_id: str, start: int
) -> list[discord.Message]:
    channel = channel_of(client, channel_id, guild_id)
    said = await read(channel, _MOST_MESSAGES)
    return [each for each in said if each.id > start]


def _with_news(client: discord.Client, me: discord.abc.User, start: int) -> Iterable[Readable]:
    """Channels and threads that we may read, with a message since `start`, newest first.

    Last come those of which Discord does not say when the last message came.
    """
    everywhere: list[Readable] = []
    for guild in client.guilds:
        everywhere += [*guild.text_channels, *guild.voice_channels, *guild.stage_channels]
        everywhere += guild.threads
    found = [
        channel
        for channel in everywhere
        if (channel.last_message_id is None or channel.last_message_id > start)
        and _readable(channel, me)
    ]
    return sorted(found, key=lambda each: each.last_message_id or 0, reverse=True)


def _readable(channel: Readable, me: discord.abc.User) -> bool:
    member = channel.guild.get_member(me.id)
    return member is None or channel.permissions_for(member).read_message_history
