"""What people do on the local Discord: say, reply, change, react, click, type a command."""

from dataclasses import dataclass, field
from typing import Any

from discord_wire import messages
from discord_wire import permissions as bits
from discord_wire.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, Interactions
from discord_wire.rest import open_thread
from discord_wire.world import DM, Json, World


@dataclass
class Person:
    """One user; every method runs in the server's loop and returns the API's JSON."""

    world: World
    interactions: Interactions
    bot: Json
    user: Json
    cdn: str = ""
    _files: int = field(default=0)

    @property
    def id(self) -> str:
        return str(self.user["id"])

    def dm(self) -> Json:
        return self.world.dm(self.user, self.bot)

    def say(
        self,
        channel: Json,
        text: str,
        *,
        reply_to: Json | None = None,
        files: list[tuple[str, bytes, str]] | None = None,
        flags: int = 0,
        ping: bool = True,
    ) -> Json:
        """A message; `<@id>` in it mentions. `files`: name, content, media type."""
        body: Json = {
            "content": text,
            "flags": flags,
            "attachments": [self._upload(channel, *each) for each in files or []],
            "allowed_mentions": {
                "parse": ["users", "roles", "everyone"],
                "replied_user": ping,
            },
        }
        if reply_to is not None:
            body["message_reference"] = {"message_id": reply_to["id"]}
        return messages.post(self.world, self.user, channel, body)

    def _upload(self, channel: Json, name: str, content: bytes, media_type: str) -> Json:
        identifier = self.world.snowflake()
        path = f"/attachments/{channel['id']}/{identifier}/{name}"
        self.world.files[path] = (content, media_type)
        url = f"{self.cdn}{path}?ex=1&is=1&hm=1"
        return {
            "id": identifier,
            "filename": name,
            "size": len(content),
            "url": url,
            "proxy_url": url,
            "content_type": media_type,
        }

    def edit(self, message: Json, text: str) -> None:
        channel = self.world.channels[message["channel_id"]]
        messages.edit(self.world, channel, message, {"content": text})

    def delete(self, message: Json) -> None:
        messages.delete(self.world, self.world.channels[message["channel_id"]], message)

    def react(self, message: Json, emoji: str, add: bool = True) -> None:
        channel = self.world.channels[message["channel_id"]]
        messages.react(self.world, channel, message, self.user, emoji, add)

    def open_thread(self, message: Json, name: str) -> Json:
        channel = self.world.channels[message["channel_id"]]
        body: Json = {"name": name}
        return open_thread(self.world, channel, message, self.user, body)

    def click(self, message: Json, label: str) -> Json:
        """Press the button of that label; the interaction."""
        buttons = [each for row in message["components"] for each in row["components"]]
        button = next(each for each in buttons if each.get("label") == label)
        data = {"component_type": 2, "custom_id": button["custom_id"], "id": 1}
        channel = self.world.channels[message["channel_id"]]
        return self.interactions.send(COMPONENT, self.user, channel, data, message=message)

    def command(self, channel: Json, name: str, **options: str) -> Json:
        """`/name …`, its subcommand after a space; the interaction."""
        return self.interactions.send(
            COMMAND, self.user, channel, self._invocation(channel, name, options)
        )

    def autocomplete(self, channel: Json, name: str, focused: str, value: str) -> Json:
        """What is typed so far into one option."""
        data = self._invocation(channel, name, {focused: value})
        data["options"][0]["options"][0]["focused"] = True
        return self.interactions.send(AUTOCOMPLETE, self.user, channel, data)

    def _invocation(self, channel: Json, name: str, options: dict[str, Any]) -> Json:
        group, _, sub = name.partition(" ")
        command = self._registered(group, 1)
        values: list[Json] = [{"name": k, "type": 3, "value": v} for k, v in options.items()]
        if sub:
            assert sub in [each["name"] for each in command["options"]], f"no /{name}"
            values = [{"name": sub, "type": 1, "options": values}]
        return {"id": command["id"], "name": group, "type": 1, "options": values, **_where(channel)}

    def menu(self, message: Json, name: str) -> Json:
        """A message's context menu, Apps, `name`."""
        command = self._registered(name, 3)
        channel = self.world.channels[message["channel_id"]]
        data = {
            "id": command["id"],
            "name": name,
            "type": 3,
            "target_id": message["id"],
            "resolved": {"messages": {message["id"]: message}},
            **_where(channel),
        }
        return self.interactions.send(COMMAND, self.user, channel, data)

    def _registered(self, name: str, kind: int) -> Json:
        known = [each for each in self.world.commands[""] if each.get("type", 1) == kind]
        return next(each for each in known if each["name"] == name)

    def sees(self, channel: Json) -> bool:
        """Whether this person is there to read it."""
        held = self.world.permissions(channel, self.id)
        return channel["type"] == DM or bool(held & bits.VIEW_CHANNEL)


def _where(channel: Json) -> Json:
    return {"guild_id": channel["guild_id"]} if "guild_id" in channel else {}
