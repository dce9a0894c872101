"""What a Slack workspace holds, as far as a bot can see it."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

TEAM, BOT_USER, BOT_ID, APP_ID = "T0TEAM", "U0BOT", "B0BOT", "A0APP"

Json = dict[str, Any]

BOT_SCOPES = (
    "app_mentions:read,assistant:write,channels:history,chat:write,commands,files:read,"
    "groups:history,im:history,users:read"
)


@dataclass
class Channel:
    """A channel, a private channel (`group`) or a direct message (`im`)."""

    id: str
    kind: Literal["channel", "group", "im"] = "channel"
    member: bool = True
    """Whether the bot is in it."""


@dataclass
class Message:
    """A message and what became of it."""

    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str = ""
    ours: bool = False
    subtype: str = ""
    body: str = ""
    """Markdown of a message of the bot: streamed text, or its markdown blocks."""
    blocks: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    streaming: Literal["", "streaming", "stopped", "expired", "stopped_by_user"] = ""
    started: float = 0.0
    """When it began to stream, as `time.monotonic`."""
    files: list[Json] = field(default_factory=list)
    edits: int = 0
    deleted: bool = False

    def json(self, metadata: bool = False) -> Json:
        """As the Web API returns it."""
        out: Json = {"type": "message", "ts": self.ts, "user": self.user, "team": TEAM}
        out["text"] = self.text or self.body
        if self.thread_ts:
            out["thread_ts"] = self.thread_ts
        if self.subtype:
            out["subtype"] = self.subtype
        if self.files:
            out["files"] = self.files
        if self.ours:
            out |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if whole := self._all_blocks():
            out["blocks"] = whole
        if self.metadata and metadata:
            out["metadata"] = self.metadata
        return out

    def _all_blocks(self) -> list[Json]:
        """Slack gives Markdown back as rich text."""
        rest = [block for block in self.blocks if block["type"] not in ("markdown", "rich_text")]
        if not self.body:
            return rest
        section = {"type": "rich_text_section", "elements": [{"type": "text", "text": self.body}]}
        return [{"type": "rich_text", "elements": [section]}, *rest]


@dataclass
class World:
    """The workspace: channels, people, messages, and how it is set up."""

    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[str, list[Message]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=lambda: {BOT_USER: "Salty"})
    files: dict[str, bytes] = field(default_factory=dict)
    scopes: str = BOT_SCOPES
    stream_seconds: float = 300.0
    """A stream's life, however much is appended."""
    streams_allowed: bool = True
    statuses: list[Json] = field(default_factory=list)
    """What `assistant.threads.setStatus` was told, oldest first."""
    prompts: list[Json] = field(default_factory=list)
    ephemerals: list[Json] = field(default_factory=list)
    views: dict[str, Json] = field(default_factory=dict)
    hooks: dict[str, list[Json]] = field(default_factory=dict)
    """What was posted to each `response_url`."""
    _counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add_channel(self, id: str, kind: Literal["channel", "group", "im"] = "channel") -> Channel:
        """A new channel with the bot in it."""
        channel = Channel(id, kind)
        self.channels[id] = channel
        self.messages[id] = []
        return channel

    def new_ts(self) -> str:
        """Like Slack's: seconds, and six digits that make it unique in a channel."""
        return f"{int(time.time())}.{next(self._counter):06d}"

    def add(self, message: Message) -> Message:
        """Put a message at the end of its channel."""
        self.messages[message.channel].append(message)
        return message

    def find(self, channel: str, ts: str) -> Message | None:
        """The message that has not been deleted."""
        for message in self.messages.get(channel, ()):
            if message.ts == ts and not message.deleted:
                return message
        return None

    def state(self, message: Message) -> str:
        """Whether it still streams; a stream ends by itself when its time is over."""
        over = time.monotonic() - message.started > self.stream_seconds
        if message.streaming == "streaming" and over:
            message.streaming = "expired"
        return message.streaming

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The message and the replies to it."""
        return [
            message
            for message in self.messages.get(channel, ())
            if not message.deleted and (message.ts == ts or message.thread_ts == ts)
        ]

    def answers(self, channel: str, thread: str = "") -> list[Message]:
        """What the bot wrote, oldest first."""
        return [
            message
            for message in self.messages.get(channel, ())
            if message.ours and not message.deleted and (not thread or message.thread_ts == thread)
        ]

    def shown(self, channel: str, thread: str = "") -> str:
        """All the model's text that a person sees in a thread."""
        return "".join(message.body for message in self.answers(channel, thread))
