"""What was said before a question, read from Discord: its thread, reply chain or DM."""

import asyncio

import discord

from bots.discord.posting import MessageGoneError, persist
from bots.discord.questions import SPOKEN, turn_of
from bots.question import Question, Turn
from onbrand.errors import OnbrandError

_READ_SECONDS = 20.0
_PAGE = 100
"""Messages in one request; the most that Discord gives."""


async def turns_before(
    client: discord.Client, me: discord.abc.User, question: Question, limit: int
) -> list[Turn]:
    """The newest `limit` turns before the question, oldest first.

    Raises:
        OnbrandError: Discord does not give them.
    """
    messages = await _messages_before(client, question, limit)
    return [turn_of(each, me) for each in messages[-limit:]]


async def _messages_before(
    client: discord.Client, question: Question, limit: int
) -> list[discord.Message]:
    place = question.place
    if place.kind == "dm" or place.thread:
        channel = channel_of(client, place.channel, place.tenant)
        said = await _before(channel, int(question.id), limit)
        if place.parent and len(said) < limit:
            said = await _above_thread(client, question, limit) + said
        return said
    message = await message_of(client, question)
    return await reply_chain(client, message, limit) if message else []


async def _before(
    channel: discord.PartialMessageable, question: int, limit: int
) -> list[discord.Message]:
    """What was said before the question, each answer of ours behind what it answers.

    Where people write on without waiting, answers to earlier questions come after this one.
    """
    older, newer = await asyncio.gather(
        read(channel, limit, before=question), read(channel, _PAGE, after=question)
    )
    asked: dict[int, int] = {}
    for message in [*older, *newer]:
        reference = _reference(message)
        replied = reference.message_id if reference is not None else None
        bot_replied = message.author.bot and replied is not None
        asked[message.id] = asked.get(replied or 0, replied or 0) if bot_replied else message.id
    said = [each for each in [*older, *newer] if asked[each.id] < question]
    return sorted(said, key=lambda each: (asked[each.id], each.id))


async def _above_thread(
    client: discord.Client, question: Question, limit: int
) -> list[discord.Message]:
    """The message under which a thread was opened, and what that replied to."""
    place = question.place
    parent = channel_of(client, place.parent, place.tenant)
    try:
        starter = await fetch(parent, int(place.thread))
    except OnbrandError:
        return []  # opened without a message, or we may not read there: the thread is enough
    return [] if starter is None else [*await reply_chain(client, starter, limit), starter]


async def reply_chain(
    client: discord.Client, message: discord.Message, limit: int
) -> list[discord.Message]:
    """What `message` replies to, what that replies to, and so on; oldest first.

    Raises:
        OnbrandError: Discord does not answer.
    """
    chain: list[discord.Message] = []
    page: dict[int, discord.Message] = {}
    while len(chain) < limit and (wanted := _reference(message)) is not None:
        channel = client.get_partial_messageable(
            wanted.channel_id, guild_id=message.guild.id if message.guild else None
        )
        original = wanted.resolved or wanted.cached_message or page.get(wanted.message_id or 0)
        if original is None and chain and not page:
            # One request for the whole neighbourhood instead of one for each link.
            page = {each.id: each for each in await read(channel, _PAGE, before=message.id)}
            original = page.get(wanted.message_id or 0)
        if original is None and wanted.message_id is not None:
            original = await fetch(channel, wanted.message_id)
        if not isinstance(original, discord.Message):
            break  # deleted
        chain.append(original)
        message = original
    return chain[::-1]


def _reference(message: discord.Message) -> discord.MessageReference | None:
    return message.reference if message.type is discord.MessageType.reply else None


async def message_of(client: discord.Client, question: Question) -> discord.Message | None:
    """The message that a question is; None: it is a command, or gone.

    Raises:
        OnbrandError: Discord does not answer.
    """
    if isinstance(question.reference, discord.Message):
        return question.reference
    if question.asked_as != "message":
        return None
    channel = channel_of(client, question.place.channel, question.place.tenant)
    return await fetch(channel, int(question.id))


def channel_of(
    client: discord.Client, channel_id: str, guild_id: str
) -> discord.PartialMessageable:
    """A channel to read from or write to, whether or not discord.py knows it."""
    guild = int(guild_id) if guild_id else None
    return client.get_partial_messageable(int(channel_id), guild_id=guild)


async def fetch(channel: discord.PartialMessageable, message_id: int) -> discord.Message | None:
    """One message; None: it is gone.

    Raises:
        OnbrandError: Discord does not give it.
    """
    try:
        return await persist(lambda: channel.fetch_message(message_id), seconds=_READ_SECONDS)
    except MessageGoneError:
        return None


async def read(
    channel: discord.PartialMessageable,
    limit: int,
    *,
    before: int | None = None,
    after: int | None = None,
) -> list[discord.Message]:
    """What people and we said in a channel next to a point in time, oldest first.

    Args:
        channel: To read.
        limit: The nearest messages to that point are returned, at most this many.
        before: A snowflake; or
        after: a snowflake.

    Raises:
        OnbrandError: Discord does not give them.
    """

    async def page() -> list[discord.Message]:
        history = channel.history(
            limit=limit,
            before=discord.Object(before) if before else None,
            after=discord.Object(after) if after else None,
        )
        return [each async for each in history if each.type in SPOKEN]

    said = await persist(page, seconds=_READ_SECONDS)
    return sorted(said, key=lambda each: each.id)
