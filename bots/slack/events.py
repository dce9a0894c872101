"""Slack's messages, commands and shortcuts as questions.

https://docs.slack.dev/reference/events/message
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bots.question import Attachment, AttachmentKind, Place, PlaceKind, Question, Turn
from bots.slack.identity import Identity
from bots.slack.markup import mentions, to_markdown

Event = dict[str, Any]

PLATFORM = "slack"
_SPOKEN = {None, "", "file_share", "thread_broadcast", "me_message", "bot_message"}
"""Subtypes of messages that say something; the others tell of joins, topics and the like."""
_KINDS: dict[str, PlaceKind] = {"im": "dm", "mpim": "private", "group": "private"}


@dataclass(frozen=True)
class Origin:
    """What a question's `reference` holds: what is needed to answer, and kept nowhere."""

    user_team: str = ""
    """The author's workspace, another one than ours in shared channels."""
    response_url: str = ""
    """Where the answer to a command or a shortcut may be posted, five times."""
    trigger_id: str = ""
    """Opens a modal, within three seconds."""
    handle: str = ""
    """Names the command or the shortcut."""


@dataclass(frozen=True)
class Reader:
    """Reads what Slack sends, as seen by one bot."""

    identity: Identity
    names: Mapping[str, str]
    """Display names by user id, as far as they are known."""

    def question(self, event: Event, team: str, event_id: str = "") -> Question | None:
        """What a `message` or `app_mention` event says; None when it says nothing.

        Args:
            event: The event, or a message of the history with its `channel`.
            team: The workspace it was sent from.
            event_id: Of the delivery.
        """
        channel, ts = str(event.get("channel") or ""), str(event.get("ts") or "")
        if not channel or not ts or event.get("subtype") not in _SPOKEN:
            return None
        turn = self.turn(event)
        thread = str(event.get("thread_ts") or "")
        if thread == ts:  # as Slack says of a message once it has replies
            thread = ""
        return Question(
            id=question_id(team, channel, ts),
            place=place(team, channel, thread, ts, str(event.get("channel_type") or "")),
            turn=turn,
            event_ids=(event_id,) if event_id else (),
            mentioned=event.get("type") == "app_mention"
            or mentions(str(event.get("text") or ""), self.identity.user),
            in_our_thread=bool(thread) and event.get("parent_user_id") == self.identity.user,
            from_bot=bool(event.get("bot_id")) or event.get("subtype") == "bot_message",
            from_us=turn.ours,
            reference=Origin(user_team=str(event.get("user_team") or event.get("team") or "")),
        )

    def turn(self, message: Event) -> Turn:
        """One message of a conversation."""
        user = str(message.get("user") or message.get("bot_id") or "")
        profile = message.get("user_profile") or {}
        name = self.names.get(user) or profile.get("display_name") or message.get("username")
        ts = str(message.get("ts") or "0")
        return Turn(
            author_id=user,
            author_name=str(name or user),
            text=to_markdown(str(message.get("text") or ""), self.names, self.identity.user),
            at=when(ts),
            ours=self.identity.wrote(message),
            attachments=tuple(map(_attachment, message.get("files") or [])),
            message_id=message_id(str(message.get("channel") or ""), ts),
        )

    def command(self, payload: Event, asked_as: Any, text: str, kind: str = "") -> Question:
        """A slash command; `text` is what follows its verb."""
        channel, user = str(payload["channel_id"]), str(payload["user_id"])
        origin = Origin(
            response_url=str(payload.get("response_url") or ""),
            trigger_id=str(payload.get("trigger_id") or ""),
            handle=f"command-{_digest(payload, 'trigger_id', 'response_url', 'text')}",
        )
        said = to_markdown(text, self.names, self.identity.user)
        return self._private(payload["team_id"], channel, user, said, asked_as, origin, kind)

    def rewrite(self, payload: Event) -> Question:
        """The message shortcut: the message is to be said in our voice."""
        channel, user = str(payload["channel"]["id"]), str(payload["user"]["id"])
        origin = Origin(
            response_url=str(payload.get("response_url") or ""),
            trigger_id=str(payload.get("trigger_id") or ""),
            handle=f"shortcut-{_digest(payload, 'trigger_id', 'response_url', 'message_ts')}",
        )
        said = str((payload.get("message") or {}).get("text") or "")
        text = to_markdown(said, self.names, self.identity.user)
        return self._private(payload["team"]["id"], channel, user, text, "rewrite", origin)

    def _private(
        self,
        team: str,
        channel: str,
        user: str,
        text: str,
        asked_as: Any,
        origin: Origin,
        kind: str = "",
    ) -> Question:
        name = self.names.get(user, user)
        return Question(
            id=question_id(team, channel, origin.handle),
            place=Place(PLATFORM, team, channel, "", "dm" if channel[:1] == "D" else "private"),
            turn=Turn(user, name, text, datetime.now(UTC)),
            asked_as=asked_as,
            options={"kind": kind} if kind else {},
            mentioned=True,
            reference=origin,
        )


def question_id(team: str, channel: str, ts: str) -> str:
    """Stable over repeated deliveries, whose event ids differ."""
    return f"{team}:{channel}:{ts}"


def place(team: str, channel: str, thread: str, ts: str, channel_type: str) -> Place:
    """Where a message stands.

    Direct messages outside threads are one conversation; a message in a channel opens a thread.
    """
    kind = _KINDS.get(channel_type)
    if kind is None:
        kind = "dm" if channel[:1] == "D" else "private" if channel[:1] == "G" else "public"
    return Place(PLATFORM, team, channel, thread or ("" if kind == "dm" else ts), kind)


def ts_of(question_id: str) -> str:
    """The `ts` in a question's id."""
    return question_id.rpartition(":")[2]


def message_id(channel: str, ts: str) -> str:
    """Unique in the workspace, as a `ts` is unique in its channel only."""
    return f"{channel}/{ts}"


def root_of(question: Question) -> str:
    """The `ts` that replies to a question go below."""
    return question.place.thread or ts_of(question.id)


def when(ts: str) -> datetime:
    """The time in a `ts`."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError):
        return datetime.now(UTC)


def _digest(payload: Event, *keys: str) -> str:
    """Names a command, which has no id of its own; it is sent once, but may come twice."""
    whole = "\n".join(str(payload.get(key) or "") for key in keys)
    return hashlib.sha256(whole.encode()).hexdigest()[:24]


def _attachment(file: Event) -> Attachment:
    media_type = str(file.get("mimetype") or "")
    return Attachment(
        name=str(file.get("name") or "file"),
        media_type=media_type,
        size=int(file.get("size") or 0),
        kind=_kind(file, media_type),
        reference=str(file.get("url_private_download") or file.get("url_private") or ""),
    )


def _kind(file: Event, media_type: str) -> AttachmentKind:
    if file.get("subtype") == "slack_audio" or media_type.startswith("audio/"):
        return "voice"
    if media_type.startswith("image/"):
        return "image"
    if media_type.startswith("text/") or file.get("mode") == "snippet":
        return "text"
    return "text" if media_type in ("application/json", "application/xml") else "other"
