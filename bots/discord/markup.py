"""Discord's mark-up in a message, resolved to plain Markdown.

https://docs.discord.com/developers/reference#message-formatting
"""

import re
from datetime import UTC, datetime

import discord

_TOKEN = re.compile(
    r"<(?:"
    r"@!?(?P<user>\d+)|@&(?P<role>\d+)|\#(?P<channel>\d+)"
    r"|a?:(?P<emoji>\w+):\d+|t:(?P<time>-?\d{1,12})(?::[tTdDfFRsS])?|/(?P<command>[^:<>]+):\d+"
    r")>"
)


def plain(message: discord.Message, text: str, me: int) -> str:
    """`text` of `message` with names in place of ids.

    Args:
        message: Who is mentioned in it, and the guild whose roles and channels have names.
        text: What to resolve: its content, or a part of it.
        me: Our id; a mention of us at the beginning is left out.
    """
    text = re.sub(rf"^\s*(?:<@!?{me}>[\s,:]*)+", "", text)
    return _TOKEN.sub(lambda found: _named(message, found), text).strip()


def mentions(text: str, me: int) -> bool:
    """Whether the text names us; the ping of a reply, a role or @everyone does not."""
    return re.search(rf"<@!?{me}>", text) is not None


def _named(message: discord.Message, found: re.Match[str]) -> str:
    kind, value = str(found.lastgroup), str(found[found.lastgroup or 0])
    guild = message.guild
    match kind:
        case "user":
            named = (each.display_name for each in message.mentions if each.id == int(value))
            return f"@{next(named, 'someone')}"
        case "role":
            role = guild.get_role(int(value)) if guild else None
            return f"@{role.name if role else 'a role'}"
        case "channel":
            channel = guild.get_channel_or_thread(int(value)) if guild else None
            return f"#{channel.name if channel else 'a channel'}"
        case "emoji":
            return f":{value}:"
        case "time":
            return _moment(int(value), found[0])
        case _:
            return f"/{value}"


def _moment(seconds: int, as_written: str) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return as_written
