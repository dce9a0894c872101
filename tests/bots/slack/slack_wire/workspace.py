"""What people do in the workspace; each deed is stored and sent to the app."""

import asyncio

from slack_wire import payloads
from slack_wire.server import SlackServer
from slack_wire.sockets import Envelope
from slack_wire.world import BOT_USER, Json, Message

MENTION = f"<@{BOT_USER}>"


class People:
    """Writes, edits, deletes and clicks as people would."""

    def __init__(self, server: SlackServer) -> None:
        self.server = server
        self.world = server.world
        self._hooks = 0

    async def say(
        self,
        channel: str,
        text: str,
        user: str = "U0ANA",
        thread: str = "",
        files: list[Json] | None = None,
        subscribed: bool = True,
    ) -> Message:
        """A new message; with a mention Slack sends two events for it.

        Args:
            subscribed: Whether the app hears all messages of the channel, or mentions only.
        """
        message = Message(channel, self.world.new_ts(), user, text, thread, files=files or [])
        message.subtype = "file_share" if files else ""
        self.world.add(message)
        await self.deliver(message, subscribed)
        return message

    async def deliver(
        self, message: Message, subscribed: bool = True, event_id: str = ""
    ) -> list[Envelope]:
        """Send the events of a message, for the first time or again."""
        kind = self.world.channels[message.channel].kind
        sent = []
        if MENTION in message.text and kind != "im":
            sent.append(await self.event(payloads.mention_event(message), event_id))
        if subscribed:
            event = payloads.message_event(message, kind)
            sent.append(await self.event(event, event_id))
        return sent

    async def event(self, event: Json, event_id: str = "") -> Envelope:
        """Any event."""
        payload = payloads.event_callback(event, event_id)
        return await self.server.sockets.deliver("events_api", payload)

    async def open_assistant(self, channel: str, user: str = "U0ANA") -> Message:
        """A new talk in the assistant's own view; its first message."""
        root = Message(channel, self.world.new_ts(), BOT_USER, "New conversation", ours=True)
        root.subtype = "assistant_app_thread"
        self.world.add(root)
        await self.event(payloads.thread_started_event(channel, user, root.ts))
        return root

    async def edit(self, message: Message, text: str) -> None:
        """Change what was written."""
        before = message.json()
        message.text = text
        kind = self.world.channels[message.channel].kind
        await self.event(payloads.changed_event(message, before, kind))

    async def delete(self, message: Message) -> None:
        """Take a message away."""
        message.deleted = True
        kind = self.world.channels[message.channel].kind
        await self.event(payloads.deleted_event(message, kind))

    async def press_stop(self, message: Message, user: str = "U0ANA") -> None:
        """Slack's own stop button: the stream ends at once, then the app is told."""
        message.streaming = "stopped_by_user"
        event = payloads.session_stopped_event(
            message.channel, message.thread_ts, user, [message.ts]
        )
        await self.event(event)

    async def command(self, channel: str, text: str, user: str = "U0ANA") -> tuple[Envelope, str]:
        """A slash command; the envelope, and the name of its response URL in `world.hooks`."""
        hook, url = self._hook()
        payload = payloads.command(channel, user, text, url)
        return await self.server.sockets.deliver("slash_commands", payload), hook

    async def shortcut(
        self, message: Message, callback_id: str, user: str = "U0ANA"
    ) -> tuple[Envelope, str]:
        """A message shortcut."""
        hook, url = self._hook()
        payload = payloads.message_shortcut(message, user, callback_id, url)
        return await self.server.sockets.deliver("interactive", payload), hook

    async def click(self, message: Message, action_id: str, user: str = "U0ANA") -> Envelope:
        """A click on the button `action_id` of a message."""
        payload = payloads.button(message, user, find_action(message, action_id), self._hook()[1])
        return await self.server.sockets.deliver("interactive", payload)

    async def rate(self, message: Message, up: bool, user: str = "U0ANA") -> Envelope:
        """A click on one of the thumbs."""
        element = find_action(message, "feedback")
        chosen = element["positive_button" if up else "negative_button"]
        action = {"type": "feedback_buttons", "action_id": "feedback", "value": chosen["value"]}
        payload = payloads.button(message, user, action, self._hook()[1])
        return await self.server.sockets.deliver("interactive", payload)

    def _hook(self) -> tuple[str, str]:
        self._hooks += 1
        return f"hook{self._hooks}", f"{self.server.root}/hooks/hook{self._hooks}"


def find_action(message: Message, action_id: str) -> Json:
    """The element of a message's blocks with this id."""
    for block in message.blocks:
        for element in block.get("elements", []):
            if element.get("action_id") == action_id:
                found: Json = element
                return found
    raise AssertionError(f"no {action_id} in {message.blocks}")


async def eventually(condition: object, seconds: float = 20.0) -> None:
    """Wait until `condition()` holds."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
