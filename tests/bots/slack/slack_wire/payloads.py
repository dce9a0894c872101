"""What Slack sends to an app: events, commands, clicks."""

import itertools
import time

from slack_wire.world import APP_ID, BOT_USER, TEAM, Json, Message

_ids = itertools.count(1)


def event_callback(event: Json, event_id: str = "") -> Json:
    """https://docs.slack.dev/apis/events-api/: an event in its envelope."""
    return {
        "token": "legacy",
        "team_id": TEAM,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": event_id or f"Ev{next(_ids):08d}",
        "event_time": int(time.time()),
        "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
    }


def message_event(message: Message, channel_type: str) -> Json:
    """A `message` event, as for channels, groups and direct messages."""
    event = message.json() | {"channel": message.channel, "channel_type": channel_type}
    return event | {"event_ts": message.ts}


def mention_event(message: Message) -> Json:
    """An `app_mention` event."""
    event = message.json() | {"channel": message.channel, "event_ts": message.ts}
    return event | {"type": "app_mention"}


def changed_event(message: Message, before: Json, channel_type: str) -> Json:
    """`message_changed`: somebody edited, or Slack unfurled a link."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": message.channel,
        "channel_type": channel_type,
        "message": message.json(),
        "previous_message": before,
        "hidden": True,
        "ts": f"{message.ts}9",
        "event_ts": f"{message.ts}9",
    }


def deleted_event(message: Message, channel_type: str) -> Json:
    """`message_deleted`."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "channel": message.channel,
        "channel_type": channel_type,
        "deleted_ts": message.ts,
        "previous_message": message.json(),
        "hidden": True,
        "ts": f"{message.ts}8",
        "event_ts": f"{message.ts}8",
    }


def thread_started_event(channel: str, user: str, thread_ts: str) -> Json:
    """`assistant_thread_started`: somebody opened a new talk with the app."""
    return {
        "type": "assistant_thread_started",
        "assistant_thread": {
            "user_id": user,
            "context": {},
            "channel_id": channel,
            "thread_ts": thread_ts,
        },
        "event_ts": thread_ts,
    }


def session_stopped_event(channel: str, thread_ts: str, user: str, streams: list[str]) -> Json:
    """`agent_session_stopped`: somebody pressed Slack's own stop button."""
    return {
        "type": "agent_session_stopped",
        "channel": channel,
        "thread_ts": thread_ts,
        "user": user,
        "streaming_message_ts": streams,
        "event_ts": f"{time.time():.6f}",
    }


def command(channel: str, user: str, text: str, response_url: str) -> Json:
    """https://docs.slack.dev/interactivity/implementing-slash-commands/."""
    return {
        "command": "/onbrand",
        "text": text,
        "team_id": TEAM,
        "team_domain": "saltmarsh",
        "channel_id": channel,
        "channel_name": channel.lower(),
        "user_id": user,
        "user_name": user.lower(),
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": f"trigger{next(_ids)}",
    }


def button(message: Message, user: str, action: Json, response_url: str) -> Json:
    """A click on a button in a message (`block_actions`)."""
    return _interactive("block_actions", message.channel, user, response_url) | {
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "thread_ts": message.thread_ts,
        },
        "message": message.json(),
        "actions": [action | {"action_ts": f"{time.time():.6f}"}],
    }


def message_shortcut(message: Message, user: str, callback_id: str, response_url: str) -> Json:
    """A message shortcut, chosen from the menu of a message (`message_action`)."""
    return _interactive("message_action", message.channel, user, response_url) | {
        "callback_id": callback_id,
        "message_ts": message.ts,
        "message": message.json(),
    }


def _interactive(kind: str, channel: str, user: str, response_url: str) -> Json:
    return {
        "type": kind,
        "team": {"id": TEAM, "domain": "saltmarsh"},
        "user": {"id": user, "username": user.lower(), "team_id": TEAM},
        "api_app_id": APP_ID,
        "channel": {"id": channel, "name": channel.lower()},
        "trigger_id": f"trigger{next(_ids)}",
        "response_url": response_url,
    }
