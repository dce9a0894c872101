"""What may become a message, and what Discord makes of it.

https://docs.discord.com/developers/resources/message
"""

import re
import time
from typing import Any

from discord_wire import permissions as bits
from discord_wire.errors import ApiError, invalid_form, unknown
from discord_wire.world import DM, Json, World, now

MAX_CHARACTERS = 2000
DEFAULT, THREAD_CREATED, REPLY, CHAT_COMMAND, THREAD_STARTER, CONTEXT_COMMAND = (
    0,
    18,
    19,
    20,
    21,
    23,
)
EPHEMERAL, LOADING, VOICE_MESSAGE = 1 << 6, 1 << 7, 1 << 13
_USER, _ROLE = re.compile(r"<@!?(\d+)>"), re.compile(r"<@&(\d+)>")


def post(world: World, author: Json, channel: Json, body: Json, **more: Any) -> Json:
    """Create a message as `author` and tell the gateway; the message as the API returns it."""
    if known := _said_before(world, author, channel, body):
        return known
    content = _checked(body)
    message = {
        "id": world.snowflake(),
        "channel_id": channel["id"],
        "author": author,
        "content": content,
        "timestamp": now(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": body.get("attachments", []),
        "embeds": body.get("embeds", []),
        "components": body.get("components", []),
        "reactions": [],
        "pinned": False,
        "flags": int(body.get("flags", 0)),
        "type": DEFAULT,
        **_reference(world, channel, body),
        **more,
    }
    if "nonce" in body:
        message["nonce"] = body["nonce"]
    _mention(world, channel, message, body.get("allowed_mentions"))
    world.messages[channel["id"]][message["id"]] = message
    channel["last_message_id"] = message["id"]
    _remember(world, message)
    announce(world, channel, message, "MESSAGE_CREATE")
    return message


def edit(world: World, channel: Json, message: Json, body: Json) -> Json:
    """Change what the body names."""
    if "content" in body:
        message["content"] = _checked(body, editing=True)
        _mention(world, channel, message, body.get("allowed_mentions"))
    for key in ("components", "embeds", "flags"):
        if key in body:
            message[key] = body[key]
    message["edited_timestamp"] = now()
    _remember(world, message)
    announce(world, channel, message, "MESSAGE_UPDATE")
    return message


def delete(world: World, channel: Json, message: Json) -> None:
    """Take it away; replies to it stay and point at nothing."""
    del world.messages[channel["id"]][message["id"]]
    payload = {"id": message["id"], "channel_id": channel["id"]}
    if channel["type"] != DM:
        payload["guild_id"] = channel["guild_id"]
    world.emit("MESSAGE_DELETE", payload, channel.get("guild_id"), channel["id"])


def seen(world: World, channel: Json, message: Json) -> Json:
    """The message with the one it replies to, as reading it returns it."""
    reference = message.get("message_reference")
    if not reference:
        return message
    original = world.messages[reference["channel_id"]].get(reference["message_id"])
    return {**message, "referenced_message": original}


def announce(world: World, channel: Json, message: Json, event: str) -> None:
    """To the gateway, with what only events carry."""
    payload = message if world.bare_references else seen(world, channel, message)
    guild_id = channel.get("guild_id")
    if guild_id:
        payload = {**payload, "guild_id": guild_id}
        if member := world.members.get((guild_id, message["author"]["id"])):
            payload["member"] = {key: value for key, value in member.items() if key != "user"}
    if message["flags"] & EPHEMERAL:
        return  # the gateway never tells of what only one person sees
    world.emit(event, payload, guild_id, channel["id"])


def _checked(body: Json, *, editing: bool = False) -> str:
    content = str(body.get("content") or "")
    if len(content) > MAX_CHARACTERS:
        text = "Must be 2000 or fewer in length."
        raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", text)
    if len(str(body.get("nonce", ""))) > 25:
        raise invalid_form("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")
    carries = body.get("attachments") or body.get("embeds") or body.get("flags")
    if not editing and not content.strip() and not carries:
        raise ApiError(400, 50006, "Cannot send an empty message")
    _check_components(body.get("components", []))
    return content.strip()


def _check_components(rows: list[Json]) -> None:
    names = [each.get("custom_id", "") for row in rows for each in row.get("components", [])]
    if any(len(name) > 100 for name in names):
        raise invalid_form("components", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
    if len(set(names)) != len(names):
        raise invalid_form("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Duplicated.")


def _said_before(world: World, author: Json, channel: Json, body: Json) -> Json | None:
    """With enforce_nonce, a message of the same author and nonce is returned, not sent twice."""
    if not body.get("enforce_nonce") or "nonce" not in body:
        return None
    for message in reversed(world.messages[channel["id"]].values()):
        if message.get("nonce") == body["nonce"] and message["author"]["id"] == author["id"]:
            return message
    return None


def _reference(world: World, channel: Json, body: Json) -> Json:
    reference = body.get("message_reference")
    if reference is None:
        return {}
    where = str(reference.get("channel_id") or channel["id"])
    target = str(reference["message_id"])
    if target not in world.messages[where]:
        if reference.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return {}
    kept = {"type": 0, "message_id": target, "channel_id": where}
    if "guild_id" in channel:
        kept["guild_id"] = channel["guild_id"]
    return {"type": REPLY, "message_reference": kept}


def _mention(world: World, channel: Json, message: Json, allowed: Json | None) -> None:
    """Whom it pings: the text's mentions, as far as allowed_mentions lets them.

    https://docs.discord.com/developers/resources/message#allowed-mentions-object
    """
    text, rules = message["content"], allowed
    if rules is None:
        rules = {"parse": ["users", "roles", "everyone"], "replied_user": True}
    kinds, users, roles = rules.get("parse", []), rules.get("users", []), rules.get("roles", [])
    named = [user for user in _USER.findall(text) if "users" in kinds or user in users]
    replied = message.get("message_reference")
    if replied and rules.get("replied_user", False):
        original = world.messages[replied["channel_id"]].get(replied["message_id"])
        named += [original["author"]["id"]] if original else []
    message["mentions"] = [
        world.users[user] for user in dict.fromkeys(named) if user in world.users
    ]
    message["mention_roles"] = [
        role for role in _ROLE.findall(text) if "roles" in kinds or role in roles
    ]
    may = world.permissions(channel, message["author"]["id"]) & bits.MENTION_EVERYONE
    shouts = "@everyone" in text or "@here" in text
    message["mention_everyone"] = bool(shouts and may and "everyone" in kinds)


def _remember(world: World, message: Json) -> None:
    if message["author"]["bot"]:
        world.history[message["id"]].append((time.monotonic(), message["content"]))


def react(world: World, channel: Json, message: Json, user: Json, emoji: str, add: bool) -> None:
    """Add or take back one person's reaction."""
    found = next((each for each in message["reactions"] if each["emoji"]["name"] == emoji), None)
    if found is None:
        if not add:
            raise unknown("Emoji", 10014)
        found = {"emoji": {"id": None, "name": emoji}, "count": 0, "me": False, "by": []}
        message["reactions"].append(found)
    by: list[str] = found["by"]
    if (user["id"] in by) is add:
        return
    by.append(user["id"]) if add else by.remove(user["id"])
    found.update(
        count=len(by),
        me=any(world.users[each]["bot"] for each in by),
        me_burst=False,
        count_details={"burst": 0, "normal": len(by)},
        burst_colors=[],
    )
    if not by:
        message["reactions"].remove(found)
    payload = {
        "user_id": user["id"],
        "channel_id": channel["id"],
        "message_id": message["id"],
        "message_author_id": message["author"]["id"],
        "emoji": {"id": None, "name": emoji},
        "burst": False,
        "type": 0,
    }
    if "guild_id" in channel:
        payload["guild_id"] = channel["guild_id"]
        if add and (member := world.members.get((channel["guild_id"], user["id"]))):
            payload["member"] = member
    event = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
    world.emit(event, payload, channel.get("guild_id"), channel["id"])
