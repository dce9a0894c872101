"""Everything a Discord remembers: users, guilds, channels, messages, as the API's own JSON."""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from discord_wire import permissions as bits
from discord_wire.errors import missing_access, missing_permissions, unknown

Json = dict[str, Any]
EPOCH_MS = 1420070400000
TEXT, DM, PUBLIC_THREAD = 0, 1, 11


@dataclass
class World:
    """State and the rules that hold within it; `emit` carries events to the gateway."""

    emit: Callable[[str, Json, str | None, str | None], None] = lambda *_: None
    """Event name, payload, guild id (None in a DM), channel id (None when about no channel)."""
    users: dict[str, Json] = field(default_factory=dict)
    guilds: dict[str, Json] = field(default_factory=dict)
    members: dict[tuple[str, str], Json] = field(default_factory=dict)
    """By guild id and user id."""
    channels: dict[str, Json] = field(default_factory=dict)
    messages: dict[str, dict[str, Json]] = field(default_factory=lambda: defaultdict(dict))
    """By channel id, then message id, oldest first."""
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """CDN path to contents and media type."""
    commands: dict[str, list[Json]] = field(default_factory=dict)
    """By guild id; the global ones under an empty name."""
    interactions: dict[str, Json] = field(default_factory=dict)
    """By token."""
    typing: list[tuple[float, str]] = field(default_factory=list)
    """When (monotonic), in which channel."""
    history: dict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))
    """Of each message of the bot: every content it ever had, and when it got it (monotonic)."""
    bare_references: bool = False
    """Events name what a message replies to by its id alone, as Discord may."""
    _count: itertools.count = field(default_factory=itertools.count)  # type: ignore[type-arg]

    def snowflake(self) -> str:
        """https://docs.discord.com/developers/reference#snowflakes"""
        milliseconds = int(time.time() * 1000) - EPOCH_MS
        return str((milliseconds << 22) | (next(self._count) & 0x3FFFFF))

    def add_user(self, name: str, *, bot: bool = False) -> Json:
        identifier = self.snowflake()
        user = {
            "id": identifier,
            "username": name.lower().replace(" ", "_"),
            "global_name": None if bot else name,
            "discriminator": "0",
            "avatar": None,
            "bot": bot,
            "public_flags": 0,
        }
        self.users[identifier] = user
        return user

    def add_guild(self, name: str, owner: Json, bot: Json | None) -> Json:
        identifier = self.snowflake()
        guild = {
            "id": identifier,
            "name": name,
            "owner_id": owner["id"],
            "roles": [_role(identifier, "@everyone", bits.USUAL, 0)],
            "emojis": [],
            "stickers": [],
            "features": [],
            "preferred_locale": "en-US",
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "joined_at": now(),
            "large": False,
            "unavailable": False,
        }
        self.guilds[identifier] = guild
        self.join(guild, owner)
        if bot is not None:
            self.join(guild, bot)
        return guild

    def join(self, guild: Json, user: Json, *roles: str) -> Json:
        member = {
            "user": user,
            "nick": None,
            "roles": list(roles),
            "joined_at": now(),
            "deaf": False,
            "mute": False,
            "flags": 0,
        }
        self.members[guild["id"], user["id"]] = member
        return member

    def add_role(self, guild: Json, name: str, permissions: int = 0) -> Json:
        role = _role(self.snowflake(), name, permissions, len(guild["roles"]))
        guild["roles"].append(role)
        return role

    def add_channel(self, guild: Json, name: str, **more: Any) -> Json:
        channel = {
            "id": self.snowflake(),
            "type": TEXT,
            "guild_id": guild["id"],
            "name": name,
            "position": 0,
            "permission_overwrites": [],
            "nsfw": False,
            "parent_id": None,
            "topic": None,
            "last_message_id": None,
            **more,
        }
        self.channels[channel["id"]] = channel
        return channel

    def dm(self, user: Json, bot: Json) -> Json:
        """The one private channel between the two."""
        for channel in self.channels.values():
            if channel["type"] == DM and channel["recipients"][0]["id"] == user["id"]:
                return channel
        channel = {
            "id": self.snowflake(),
            "type": DM,
            "recipients": [user],
            "last_message_id": None,
            "flags": 0,
        }
        self.channels[channel["id"]] = channel
        return channel

    def forbid(self, channel: Json, whom: str, deny: int) -> None:
        """Take permission bits from a role or a member in one channel."""
        channel["permission_overwrites"].append(
            {"id": whom, "type": 0, "allow": "0", "deny": str(deny)}
        )

    def guild_payload(self, guild: Json) -> Json:
        """GUILD_CREATE."""
        here = [each for each in self.channels.values() if each.get("guild_id") == guild["id"]]
        members = [member for (where, _), member in self.members.items() if where == guild["id"]]
        return {
            **guild,
            "channels": [each for each in here if each["type"] != PUBLIC_THREAD],
            "threads": [each for each in here if each["type"] == PUBLIC_THREAD],
            "members": [each for each in members if each["user"]["bot"]],
            "member_count": len(members),
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
        }

    def permissions(self, channel: Json, user_id: str) -> int:
        """The bits `user_id` has in a channel or thread; 0 for a stranger."""
        if channel["type"] == DM:
            return bits.USUAL
        guild = self.guilds[channel["guild_id"]]
        member = self.members.get((guild["id"], user_id))
        where = self.channels[channel["parent_id"]] if channel["type"] == 11 else channel
        return bits.allowed_in(guild, where, member) if member else 0

    def channel(self, identifier: str) -> Json:
        try:
            return self.channels[identifier]
        except KeyError:
            raise unknown("Channel", 10003) from None

    def message(self, channel_id: str, identifier: str) -> Json:
        try:
            return self.messages[channel_id][identifier]
        except KeyError:
            raise unknown("Message", 10008) from None

    def require(self, channel: Json, user_id: str, needed: int) -> None:
        """Raise as Discord does: 50001 without sight of the channel, else 50013."""
        held = self.permissions(channel, user_id)
        if not held & bits.VIEW_CHANNEL:
            raise missing_access()
        if held & needed != needed:
            raise missing_permissions()

    def sendable(self, channel: Json) -> int:
        """The bit that sending needs in this kind of channel."""
        if channel["type"] == PUBLIC_THREAD:
            return bits.SEND_MESSAGES_IN_THREADS
        return bits.SEND_MESSAGES


def _role(identifier: str, name: str, permissions: int, position: int) -> Json:
    return {
        "id": identifier,
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": position,
        "permissions": str(permissions),
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def now() -> str:
    """ISO 8601 in UTC, as every time in the API is."""
    return datetime.now(UTC).isoformat()
