"""REST: who the bot is, its channels, messages, reactions and threads.

https://docs.discord.com/developers/reference
"""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from discord_wire import messages
from discord_wire import permissions as bits
from discord_wire.errors import ApiError, answer, missing_permissions, unauthorized, unknown
from discord_wire.gateway import Gateway
from discord_wire.world import DM, PUBLIC_THREAD, Json, World, now


@dataclass
class Rest:
    """The routes a bot uses, with its token."""

    world: World
    gateway: Gateway
    bot: Json

    def routes(self) -> list[web.RouteDef]:
        here = "/api/v10/channels/{channel}"
        one = here + "/messages/{message}"
        emoji = one + "/reactions/{emoji}"
        return [
            web.get("/api/v10/users/@me", self._guarded(self.me)),
            web.get("/api/v10/users/@me/guilds", self._guarded(self.guilds)),
            web.post("/api/v10/users/@me/channels", self._guarded(self.open_dm)),
            web.get("/api/v10/oauth2/applications/@me", self._guarded(self.application)),
            web.get("/api/v10/applications/@me", self._guarded(self.application)),
            web.get("/api/v10/gateway/bot", self._guarded(self.gateway_address)),
            web.get("/api/v10/guilds/{guild}", self._guarded(self.guild)),
            web.get("/api/v10/guilds/{guild}/channels", self._guarded(self.guild_channels)),
            web.get("/api/v10/guilds/{guild}/roles", self._guarded(self.guild_roles)),
            web.get("/api/v10/guilds/{guild}/members/{user}", self._guarded(self.guild_member)),
            web.get(here, self._guarded(self.channel)),
            web.get(here + "/messages", self._guarded(self.history)),
            web.post(here + "/messages", self._guarded(self.post)),
            web.get(one, self._guarded(self.message)),
            web.patch(one, self._guarded(self.edit)),
            web.delete(one, self._guarded(self.delete)),
            web.put(emoji + "/@me", self._guarded(self.react)),
            web.delete(emoji + "/{user}", self._guarded(self.unreact)),
            web.post(here + "/typing", self._guarded(self.type)),
            web.post(one + "/threads", self._guarded(self.thread)),
            web.put(here + "/thread-members/@me", self._guarded(self.join_thread)),
        ]

    def _guarded(self, handler: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bot {self.gateway.token}":
                raise unauthorized()
            result = await handler(request)
            return web.Response(status=204) if result is None else answer(result)

        return guarded

    async def me(self, request: web.Request) -> Json:
        return {**self.bot, "verified": True, "mfa_enabled": False, "flags": 0, "email": None}

    async def guilds(self, request: web.Request) -> list[Json]:
        found = []
        for guild in self.world.guilds.values():
            if member := self.world.members.get((guild["id"], self.bot["id"])):
                held = bits.allowed_in(guild, {}, member)
                found.append({**guild, "owner": False, "permissions": str(held)})
        return found

    async def open_dm(self, request: web.Request) -> Json:
        recipient = str((await request.json())["recipient_id"])
        if recipient not in self.world.users:
            raise unknown("User", 10013)
        return self.world.dm(self.world.users[recipient], self.bot)

    async def application(self, request: web.Request) -> Json:
        return self.gateway.application

    async def gateway_address(self, request: web.Request) -> Json:
        limit = {"total": 1000, "remaining": 999, "reset_after": 14400000, "max_concurrency": 1}
        return {"url": self.gateway.url, "shards": 1, "session_start_limit": limit}

    def _guild(self, request: web.Request) -> Json:
        guild = self.world.guilds.get(request.match_info["guild"])
        if guild is None or (guild["id"], self.bot["id"]) not in self.world.members:
            raise unknown("Guild", 10004)
        return guild

    async def guild(self, request: web.Request) -> Json:
        return self._guild(request)

    async def guild_channels(self, request: web.Request) -> list[Json]:
        payload = self.world.guild_payload(self._guild(request))
        found: list[Json] = payload["channels"]
        return found

    async def guild_roles(self, request: web.Request) -> list[Json]:
        roles: list[Json] = self._guild(request)["roles"]
        return roles

    async def guild_member(self, request: web.Request) -> Json:
        member = self.world.members.get((self._guild(request)["id"], request.match_info["user"]))
        if member is None:
            raise unknown("Member", 10007)
        return member

    def _channel(self, request: web.Request, needed: int = 0) -> Json:
        channel = self.world.channel(request.match_info["channel"])
        self.world.require(channel, self.bot["id"], needed)
        return channel

    def _message(self, request: web.Request, needed: int = 0) -> tuple[Json, Json]:
        channel = self._channel(request, needed)
        return channel, self.world.message(channel["id"], request.match_info["message"])

    async def channel(self, request: web.Request) -> Json:
        return self._channel(request)

    async def history(self, request: web.Request) -> list[Json]:
        """Newest first, at most `limit`; around one message by before, after or around."""
        channel = self._channel(request)
        if not self.world.permissions(channel, self.bot["id"]) & bits.READ_MESSAGE_HISTORY:
            return []  # as Discord answers without that permission
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise ApiError(400, 50035, "Invalid Form Body")
        kept = list(self.world.messages[channel["id"]].values())
        kept = [each for each in kept if not each["flags"] & messages.EPHEMERAL]
        if "before" in request.query:
            kept = [each for each in kept if int(each["id"]) < int(request.query["before"])][
                -limit:
            ]
        elif "after" in request.query:
            kept = [each for each in kept if int(each["id"]) > int(request.query["after"])][:limit]
        else:
            kept = kept[-limit:]
        return [self._read(channel, each) for each in reversed(kept)]

    def _read(self, channel: Json, message: Json) -> Json:
        intents = int(self.gateway.identified.get("intents", 0))
        # Without the content intent the text is blank over REST too.
        allowed = self.gateway.application["flags"] & (1 << 19 | 1 << 18)
        read = messages.seen(self.world, channel, message)
        return self.gateway.readable(read, intents | (1 << 15) if allowed else 0)

    async def post(self, request: web.Request) -> Json:
        channel = self._channel(request)
        self.world.require(channel, self.bot["id"], self.world.sendable(channel))
        body = await request.json()
        held = self.world.permissions(channel, self.bot["id"])
        if body.get("message_reference") and not held & bits.READ_MESSAGE_HISTORY:
            text = "Cannot reply without permission to read message history"
            raise ApiError(403, 160002, text)
        if channel["type"] == DM and channel.get("closed"):
            raise ApiError(403, 50007, "Cannot send messages to this user")
        return messages.post(self.world, self.bot, channel, body)

    async def message(self, request: web.Request) -> Json:
        channel, message = self._message(request, bits.READ_MESSAGE_HISTORY)
        return self._read(channel, message)

    async def edit(self, request: web.Request) -> Json:
        channel, message = self._message(request)
        if message["author"]["id"] != self.bot["id"]:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        return messages.edit(self.world, channel, message, await request.json())

    async def delete(self, request: web.Request) -> None:
        channel, message = self._message(request)
        if message["author"]["id"] != self.bot["id"]:
            raise missing_permissions()
        messages.delete(self.world, channel, message)

    async def react(self, request: web.Request) -> None:
        channel, message = self._message(request, bits.ADD_REACTIONS | bits.READ_MESSAGE_HISTORY)
        emoji = unquote(request.match_info["emoji"])
        messages.react(self.world, channel, message, self.bot, emoji, add=True)

    async def unreact(self, request: web.Request) -> None:
        channel, message = self._message(request)
        emoji, whose = unquote(request.match_info["emoji"]), request.match_info["user"]
        user = self.bot if whose == "@me" else self.world.users[whose]
        messages.react(self.world, channel, message, user, emoji, add=False)

    async def type(self, request: web.Request) -> None:
        channel = self._channel(request)
        self.world.require(channel, self.bot["id"], self.world.sendable(channel))
        self.world.typing.append((time.monotonic(), channel["id"]))

    async def thread(self, request: web.Request) -> Json:
        channel, message = self._message(request, bits.CREATE_PUBLIC_THREADS)
        if message["id"] in self.world.channels:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        return open_thread(self.world, channel, message, self.bot, await request.json())

    async def join_thread(self, request: web.Request) -> None:
        self._channel(request)


def open_thread(world: World, channel: Json, message: Json, owner: Json, body: Json) -> Json:
    """A public thread under a message; it takes the message's id."""
    thread = {
        "id": message["id"],
        "type": PUBLIC_THREAD,
        "guild_id": channel["guild_id"],
        "parent_id": channel["id"],
        "owner_id": owner["id"],
        "name": body["name"],
        "last_message_id": None,
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "rate_limit_per_user": 0,
        "flags": 0,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": body.get("auto_archive_duration", 1440),
            "archive_timestamp": now(),
            "locked": False,
            "create_timestamp": now(),
        },
    }
    if not 1 <= len(body["name"]) <= 100:
        raise ApiError(400, 50035, "Invalid Form Body")
    world.channels[thread["id"]] = thread
    message["thread"] = thread
    created = {**thread, "newly_created": True}
    world.emit("THREAD_CREATE", created, channel["guild_id"], thread["id"])
    return thread
