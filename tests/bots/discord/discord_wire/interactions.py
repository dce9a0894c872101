"""Commands, buttons and autocomplete: what is sent to the bot and how it may answer.

https://docs.discord.com/developers/interactions/receiving-and-responding
"""

import time
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from discord_wire import messages
from discord_wire.errors import ApiError, answer, unauthorized, unknown
from discord_wire.gateway import Gateway
from discord_wire.world import DM, Json, World

PING, COMMAND, COMPONENT, AUTOCOMPLETE = 1, 2, 3, 4
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES = 4, 5, 6, 7, 8
TOKEN_SECONDS = 15 * 60


@dataclass
class Interactions:
    """Commands as registered, and the answers to what people did with them."""

    world: World
    gateway: Gateway
    bot: Json

    def routes(self) -> list[web.RouteDef]:
        commands = "/api/v10/applications/{app}/commands"
        guild = "/api/v10/applications/{app}/guilds/{guild}/commands"
        hook = "/api/v10/webhooks/{app}/{token}"
        return [
            web.put(commands, self.overwrite),
            web.get(commands, self.registered),
            web.put(guild, self.overwrite),
            web.get(guild, self.registered),
            web.post("/api/v10/interactions/{id}/{token}/callback", self.callback),
            web.post(hook, self.follow_up),
            web.get(hook + "/messages/{message}", self.read),
            web.patch(hook + "/messages/{message}", self.edit),
            web.delete(hook + "/messages/{message}", self.delete),
        ]

    async def overwrite(self, request: web.Request) -> web.Response:
        """All commands at once; checked as far as a bot is likely to get it wrong."""
        if request.headers.get("Authorization") != f"Bot {self.gateway.token}":
            raise unauthorized()
        wanted: list[Json] = await request.json()
        for command in wanted:
            _check_command(command)
        kept = [
            {
                "default_member_permissions": None,
                "dm_permission": True,
                "nsfw": False,
                "options": [],
                **command,
                "id": self.world.snowflake(),
                "application_id": self.gateway.application["id"],
                "version": self.world.snowflake(),
            }
            for command in wanted
        ]
        self.world.commands[request.match_info.get("guild", "")] = kept
        return answer(kept)

    async def registered(self, request: web.Request) -> web.Response:
        return answer(self.world.commands.get(request.match_info.get("guild", ""), []))

    def send(self, kind: int, user: Json, channel: Json, data: Json, **more: Any) -> Json:
        """INTERACTION_CREATE; the interaction, to look at what became of it."""
        identifier = self.world.snowflake()
        guild_id = channel.get("guild_id")
        payload: Json = {
            "id": identifier,
            "application_id": self.gateway.application["id"],
            "type": kind,
            "token": f"interaction-token-{identifier}",
            "version": 1,
            "data": data,
            "channel_id": channel["id"],
            "channel": {**channel, "permissions": str(1 << 10)},
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": 10485760,
            "app_permissions": str(self.world.permissions(channel, self.bot["id"])),
            "authorizing_integration_owners": {"0": guild_id or "0"},
            "context": 1 if channel["type"] == DM else 0,
            **more,
        }
        if guild_id:
            member = self.world.members[guild_id, user["id"]]
            payload |= {"guild_id": guild_id, "guild_locale": "en-US"}
            payload["guild"] = {"id": guild_id, "locale": "en-US", "features": []}
            held = self.world.permissions(channel, user["id"])
            payload["member"] = {**member, "permissions": str(held)}
        else:
            payload["user"] = user
        kept = {**payload, "sent_at": time.monotonic(), "by": user, "answered_at": None}
        kept.update(callback=None, original=None, choices=None, followups=[])
        self.world.interactions[payload["token"]] = kept
        # Interactions come whatever the intents and the permissions in the channel.
        self.gateway.emit("INTERACTION_CREATE", payload, guild_id, None)
        return kept

    def _interaction(self, request: web.Request) -> Json:
        found = self.world.interactions.get(request.match_info["token"])
        if found is None:
            raise unknown("Webhook", 10015)
        if time.monotonic() - found["sent_at"] > found.get("token_seconds", TOKEN_SECONDS):
            raise ApiError(401, 50027, "Invalid Webhook Token")
        return found

    async def callback(self, request: web.Request) -> web.Response:
        """The first answer: within three seconds, and only once."""
        interaction, body = self._interaction(request), await request.json()
        if interaction["callback"] is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        if time.monotonic() - interaction["sent_at"] > 3:
            raise unknown("interaction", 10062)
        interaction.update(callback=body, answered_at=time.monotonic())
        kind, data = body["type"], body.get("data") or {}
        channel = self.world.channels[interaction["channel_id"]]
        resource: Json = {"type": kind}
        if kind in (MESSAGE, DEFERRED):
            if kind == DEFERRED:
                data = {"flags": int(data.get("flags", 0)) | messages.LOADING}
            interaction["original"] = self._post(interaction, channel, data)
            resource["message"] = interaction["original"]
        elif kind in (DEFERRED_UPDATE, UPDATE):
            # The response to a button is the message that it stands below.
            interaction["original"] = interaction["message"]
            if kind == UPDATE:
                messages.edit(self.world, channel, interaction["message"], data)
            resource["message"] = interaction["message"]
        elif kind == CHOICES:
            interaction["choices"] = data["choices"]
            if len(data["choices"]) > 25:
                raise ApiError(400, 50035, "Invalid Form Body")
        if request.query.get("with_response") not in ("1", "true"):
            return web.Response(status=204)
        told: Json = {"id": interaction["id"], "type": interaction["type"]}
        if original := resource.get("message"):
            told["response_message_id"] = original["id"]
            told["response_message_loading"] = bool(original["flags"] & messages.LOADING)
            told["response_message_ephemeral"] = bool(original["flags"] & messages.EPHEMERAL)
        return answer({"interaction": told, "resource": resource})

    def _post(self, interaction: Json, channel: Json, body: Json) -> Json:
        metadata = {
            "id": interaction["id"],
            "type": interaction["type"],
            "user": interaction["by"],
            "authorizing_integration_owners": interaction["authorizing_integration_owners"],
        }
        return messages.post(
            self.world,
            self.bot,
            channel,
            body,
            type=messages.CHAT_COMMAND,
            webhook_id=self.gateway.application["id"],
            application_id=self.gateway.application["id"],
            interaction_metadata=metadata,
        )

    async def follow_up(self, request: web.Request) -> web.Response:
        interaction, body = self._interaction(request), await request.json()
        if interaction["callback"] is None:
            raise unknown("Webhook", 10015)
        channel = self.world.channels[interaction["channel_id"]]
        message = self._post(interaction, channel, body)
        interaction["followups"].append(message)
        return answer(message)

    def _message(self, request: web.Request) -> tuple[Json, Json, Json]:
        interaction = self._interaction(request)
        channel = self.world.channels[interaction["channel_id"]]
        name = request.match_info["message"]
        message = interaction["original"] if name == "@original" else None
        if name != "@original":
            message = next((each for each in interaction["followups"] if each["id"] == name), None)
        if message is None or message["id"] not in self.world.messages[channel["id"]]:
            raise unknown("Message", 10008)
        return interaction, channel, message

    async def read(self, request: web.Request) -> web.Response:
        return answer(self._message(request)[2])

    async def edit(self, request: web.Request) -> web.Response:
        _, channel, message = self._message(request)
        message["flags"] &= ~messages.LOADING
        return answer(messages.edit(self.world, channel, message, await request.json()))

    async def delete(self, request: web.Request) -> web.Response:
        _, channel, message = self._message(request)
        messages.delete(self.world, channel, message)
        return web.Response(status=204)


def _check_command(command: Json) -> None:
    """Names and descriptions as Discord demands them, down to the options."""
    text = command.get("type", 1) == 1
    name, description = command["name"], command.get("description", "")
    good = 1 <= len(name) <= 32 and (1 <= len(description) <= 100 if text else not description)
    if text and name != name.lower():
        good = False
    if not good:
        raise ApiError(400, 50035, "Invalid Form Body")
    for option in command.get("options", []):
        if option["type"] in (1, 2):
            _check_command({**option, "type": 1})
        elif not 1 <= len(option.get("description", "")) <= 100:
            raise ApiError(400, 50035, "Invalid Form Body")
