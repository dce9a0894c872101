"""Permission bits and how they add up: role by role, then the channel's overwrites.

https://docs.discord.com/developers/topics/permissions
"""

from typing import Any

CREATE_INSTANT_INVITE = 1 << 0
ADMINISTRATOR = 1 << 3
ADD_REACTIONS = 1 << 6
VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
MANAGE_MESSAGES = 1 << 13
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_MESSAGE_HISTORY = 1 << 16
MENTION_EVERYONE = 1 << 17
CREATE_PUBLIC_THREADS = 1 << 35
SEND_MESSAGES_IN_THREADS = 1 << 38

EVERYTHING = (1 << 53) - 1
USUAL = (
    ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | MENTION_EVERYONE
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS
)
"""What @everyone may do in a new guild here; pinging everyone among it, to tempt a bot."""


def allowed_in(guild: dict[str, Any], channel: dict[str, Any], member: dict[str, Any]) -> int:
    """The permission bits of `member` in `channel` (a guild channel, not a thread)."""
    if guild["owner_id"] == member["user"]["id"]:
        return EVERYTHING
    roles = {guild["id"], *member["roles"]}
    granted = 0
    for role in guild["roles"]:
        if role["id"] in roles:
            granted |= int(role["permissions"])
    if granted & ADMINISTRATOR:
        return EVERYTHING
    overwrites = channel.get("permission_overwrites", [])
    everyone = [each for each in overwrites if each["id"] == guild["id"]]
    by_role = [each for each in overwrites if each["id"] in member["roles"]]
    by_member = [each for each in overwrites if each["id"] == member["user"]["id"]]
    for layer in (everyone, by_role, by_member):
        for each in layer:
            granted &= ~int(each["deny"])
        for each in layer:
            granted |= int(each["allow"])
    return granted if granted & VIEW_CHANNEL else 0
