"""The app manifest: what the bot is to Slack, with no scope that it does not use.

https://docs.slack.dev/reference/app-manifest
"""

import json
from typing import Any

from bots.slack.connection import PATH
from bots.slack.listeners import REWRITE
from onbrand.errors import UsageError
from onbrand.workspace import Workspace

SCOPES = {
    "app_mentions:read": "hear that it is mentioned",
    "assistant:write": "be opened as an assistant, and suggest prompts",
    "channels:history": "read the threads it takes part in, in public channels",
    "chat:write": "answer",
    "commands": "offer the slash command and the message shortcut",
    "files:read": "read text files that are sent along",
    "groups:history": "read the threads it takes part in, in private channels",
    "im:history": "read direct messages to it",
    "users:read": "call people by their names",
}
"""The bot's scopes, and what each is for: it could not ... without it."""

_MESSAGES = ("app_mention", "message.channels", "message.groups", "message.im")
_VIEWS = {
    "assistant": ("assistant_thread_started", "assistant_thread_context_changed"),
    "agent": ("app_home_opened",),
}
_NAME_LIMIT, _DESCRIPTION_LIMIT = 35, 140


def manifest(workspace: Workspace, request_url: str = "") -> str:
    """The manifest as JSON.

    Args:
        workspace: Whose brand it is; its `[slack]` says how Slack reaches the bot.
        request_url: Where Slack reaches it, for mode = http; its path may be left out.

    Raises:
        UsageError: mode = http, and no URL.
    """
    slack, brand = workspace.config.slack, workspace.config.brand
    url = _endpoint(request_url) if slack.mode == "http" else ""
    name = (brand.name or "Onbrand")[:_NAME_LIMIT]
    content = {
        "display_information": {
            "name": name,
            "description": f"Answers in the voice of {name}."[:_DESCRIPTION_LIMIT],
        },
        "features": _features(workspace, name, url),
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": {
                "bot_events": sorted([*_MESSAGES, "agent_session_stopped", *_VIEWS[slack.view]]),
                **({"request_url": url} if url else {}),
            },
            "interactivity": {"is_enabled": True, **({"request_url": url} if url else {})},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _features(workspace: Workspace, name: str, url: str) -> dict[str, Any]:
    slack = workspace.config.slack
    prompts = [{"title": prompt[:40], "message": prompt} for prompt in slack.suggested_prompts]
    description = f"Ask me, or have me write something in the voice of {name}."
    return {
        "app_home": {
            "home_tab_enabled": False,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": name, "always_online": True},
        f"{slack.view}_view": {
            f"{slack.view}_description": description[:300],
            "suggested_prompts": prompts,
        },
        "shortcuts": [
            {
                "name": "Rewrite in our voice",
                "type": "message",
                "callback_id": REWRITE,
                "description": f"Says a message in the voice of {name}"[:150],
            }
        ],
        "slash_commands": [
            {
                "command": slack.command,
                "description": f"Ask {name}, or have it write",
                "usage_hint": "ask | write | voice | help",
                "should_escape": True,
                **({"url": url} if url else {}),
            }
        ],
    }


def _endpoint(request_url: str) -> str:
    if not request_url.startswith("https://"):
        raise UsageError(
            'With [slack] mode = "http" Slack has to know where it reaches the bot: '
            "onbrand bot slack manifest --request-url https://HOST (it must be https)."
        )
    url = request_url.rstrip("/")
    return url if url.endswith(PATH) else url + PATH
