"""Discord's messages as turns and questions."""

from typing import NamedTuple

import discord

from bots.discord import markup
from bots.discord.drawing import without_notes
from bots.question import Attachment, AttachmentKind, Place, PlaceKind, Question, Turn

SPOKEN = frozenset(
    {
        discord.MessageType.default,
        discord.MessageType.reply,
        discord.MessageType.chat_input_command,
        discord.MessageType.context_menu_command,
    }
)
"""Types of messages in which somebody says something; others tell of joins, pins, threads."""
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/x-yaml")
_TEXT_NAMES = (
    ".txt",
    ".md",
    ".markdown",
    ".csv",
    ".json",
    ".yaml",
    ".yml",
    ".xml",
    ".html",
    ".log",
)


class FileOnDiscord(NamedTuple):
    """Where the content of an attachment is; its `reference`."""

    file: discord.Attachment
    channel_id: int
    message_id: int


def message_name(channel_id: int, message_id: int) -> str:
    """A message's id as the desk and the ledger know it."""
    return f"{channel_id}/{message_id}"


def question_of(message: discord.Message, me: discord.abc.User) -> Question:
    """A message as what may be a question."""
    from_us = message.author.id == me.id
    return Question(
        id=str(message.id),
        place=place_of(message.channel),
        turn=turn_of(message, me),
        mentioned=markup.mentions(message.content, me.id),
        replies_to_us=_replied_author(message) == me.id,
        in_our_thread=isinstance(message.channel, discord.Thread)
        and message.channel.owner_id == me.id,
        from_bot=not from_us and (message.author.bot or message.webhook_id is not None),
        from_us=from_us,
        roles=roles_of(message.author),
    )


def _replied_author(message: discord.Message) -> int | None:
    """Who wrote what it replies to; None when it is no reply, or that is gone."""
    reference = message.reference
    if message.type is not discord.MessageType.reply or reference is None:
        return None
    original = reference.resolved or reference.cached_message
    return original.author.id if isinstance(original, discord.Message) else None


def turn_of(message: discord.Message, me: discord.abc.User) -> Turn:
    """A message as one turn of a conversation."""
    said = [message.content, *(each.content for each in message.message_snapshots)]
    text = markup.plain(message, "\n\n".join(filter(None, said)), me.id)
    ours = message.author.id == me.id
    return Turn(
        author_id=str(message.author.id),
        author_name=message.author.display_name,
        text=without_notes(text) if ours else text,
        at=message.created_at,
        ours=ours,
        attachments=() if ours else attachments_of(message),
        message_id=message_name(message.channel.id, message.id),
    )


def roles_of(author: discord.abc.User) -> frozenset[str]:
    """Ids of the roles; the author of a direct message has none."""
    if not isinstance(author, discord.Member) or author.guild.get_role(author.guild.id) is None:
        return frozenset()  # a server whose roles discord.py was not told
    return frozenset(str(role.id) for role in author.roles if not role.is_default())


def place_of(channel: discord.abc.Snowflake) -> Place:
    """Where a channel is; one that discord.py does not know counts as private."""
    guild = getattr(channel, "guild", None)
    is_thread = isinstance(channel, discord.Thread)
    return Place(
        platform="discord",
        tenant=str(guild.id) if guild else "",
        channel=str(channel.id),
        thread=str(channel.id) if is_thread else "",
        kind=_kind(channel),
        parent=str(channel.parent_id) if isinstance(channel, discord.Thread) else "",
    )


def place_of_command(interaction: discord.Interaction) -> Place:
    """Where a command was used."""
    if interaction.channel is not None:
        return place_of(interaction.channel)
    guild, channel = interaction.guild_id, interaction.channel_id
    return Place("discord", str(guild or ""), str(channel or ""), kind="private")


def _kind(channel: discord.abc.Snowflake) -> PlaceKind:
    if isinstance(channel, discord.DMChannel):
        return "dm"
    if isinstance(channel, discord.Thread):
        if channel.is_private() or channel.parent is None:
            return "private"
        channel = channel.parent
    if not isinstance(channel, discord.abc.GuildChannel):
        return "private"
    everyone = channel.guild.get_role(channel.guild.id)
    seen_by_all = everyone is not None and channel.permissions_for(everyone).view_channel
    return "public" if seen_by_all else "private"


def attachments_of(message: discord.Message) -> tuple[Attachment, ...]:
    """The files beside a message; a voice message has flag 8192 and no text."""
    return tuple(
        Attachment(
            name=file.filename,
            media_type=file.content_type or "",
            size=file.size,
            kind="voice" if message.flags.voice else _file_kind(file),
            reference=FileOnDiscord(file, message.channel.id, message.id),
        )
        for file in message.attachments
    )


def _file_kind(file: discord.Attachment) -> AttachmentKind:
    media_type = file.content_type or ""
    if media_type.startswith("image/"):
        return "image"
    if media_type.startswith("audio/"):
        return "voice"
    if media_type.startswith(_TEXT_TYPES) or file.filename.lower().endswith(_TEXT_NAMES):
        return "text"
    return "other"
