"""The other methods that a bot needs: who it is, what was said, statuses, modals."""

import itertools

from slack_wire.errors import MethodError
from slack_wire.world import APP_ID, BOT_ID, BOT_USER, TEAM, Json, Message, World

_views = itertools.count(1)


def auth_test(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/auth.test."""
    return {
        "ok": True,
        "url": "https://saltmarsh.slack.com/",
        "team": "Saltmarsh",
        "user": "salty",
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
    }


def history(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.history: newest first, no replies."""
    channel = _channel(world, args)
    found = [m for m in world.messages[channel] if not m.deleted and not _is_reply(m)]
    found = _between(found, args)
    limit = int(args.get("limit") or 100)
    page = list(reversed(found))[:limit]
    messages = []
    for message in page:
        item = message.json(_with_metadata(args))
        replies = world.thread(channel, message.ts)[1:]
        if replies:
            users = list(dict.fromkeys(reply.user for reply in replies))[:5]
            item |= {"thread_ts": message.ts, "reply_count": len(replies), "reply_users": users}
            item["latest_reply"] = replies[-1].ts
        messages.append(item)
    return {"ok": True, "messages": messages, "has_more": len(found) > limit}


def replies(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.replies: oldest first, in pages."""
    channel = _channel(world, args)
    thread = world.thread(channel, str(args.get("ts")))
    if not thread:
        raise MethodError("thread_not_found")
    found = thread[:1] + _between(thread[1:], args)
    start, limit = int(args.get("cursor") or 0), int(args.get("limit") or 1000)
    page = found[start : start + limit]
    more = start + limit < len(found)
    answer: Json = {"ok": True, "has_more": more}
    answer["messages"] = [message.json(_with_metadata(args)) for message in page]
    answer["response_metadata"] = {"next_cursor": str(start + limit) if more else ""}
    return answer


def conversation_info(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.info."""
    channel = world.channels[_channel(world, args, member=False)]
    kinds = {"is_channel": "channel", "is_group": "group", "is_im": "im"}
    flags = {name: channel.kind == kind for name, kind in kinds.items()}
    whole = {"id": channel.id, "name": channel.id.lower(), "is_member": channel.member} | flags
    return {"ok": True, "channel": whole}


def my_conversations(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/users.conversations."""
    types = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    wanted = {types[name] for name in str(args.get("types", "public_channel")).split(",")}
    found = [c for c in world.channels.values() if c.member and c.kind in wanted]
    channels = [{"id": channel.id, "name": channel.id.lower()} for channel in found]
    return {"ok": True, "channels": channels, "response_metadata": {"next_cursor": ""}}


def user_info(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/users.info."""
    id = str(args.get("user"))
    if id not in world.names:
        raise MethodError("user_not_found")
    name = world.names[id]
    profile = {"display_name": name, "real_name": f"{name} Saltmarsh"}
    return {"ok": True, "user": {"id": id, "name": name.lower(), "profile": profile}}


def set_status(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/assistant.threads.setStatus."""
    channel = _channel(world, args, "channel_id")
    if world.find(channel, str(args.get("thread_ts"))) is None:
        raise MethodError("invalid_thread_ts")
    if len(args.get("loading_messages") or []) > 10:
        raise MethodError("invalid_arguments")
    world.statuses.append(args)
    return {"ok": True}


def set_prompts(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts."""
    _channel(world, args, "channel_id")
    if not 1 <= len(args["prompts"]) <= 4:
        raise MethodError("too_many_prompts")
    world.prompts.append(args)
    return {"ok": True}


def set_title(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/assistant.threads.setTitle."""
    _channel(world, args, "channel_id")
    return {"ok": True}


def open_view(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/views.open."""
    if not str(args.get("trigger_id", "")).startswith("trigger"):
        raise MethodError("expired_trigger_id")
    return _view(world, f"V{next(_views)}", args)


def update_view(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/views.update."""
    if args.get("view_id") not in world.views:
        raise MethodError("not_found")
    return _view(world, args["view_id"], args)


def _view(world: World, id: str, args: Json) -> Json:
    view = args["view"]
    if len(view["title"]["text"]) > 24 or len(view["blocks"]) > 100:
        raise MethodError("invalid_arguments")
    if any(b["type"] == "section" and len(b["text"]["text"]) > 3000 for b in view["blocks"]):
        raise MethodError("invalid_arguments")
    world.views[id] = view
    return {"ok": True, "view": view | {"id": id, "app_id": APP_ID, "bot_id": BOT_ID}}


def _channel(world: World, args: Json, name: str = "channel", member: bool = True) -> str:
    channel = world.channels.get(str(args.get(name, "")))
    if channel is None:
        raise MethodError("channel_not_found")
    if member and not channel.member:
        raise MethodError("not_in_channel")
    return channel.id


def _between(messages: list[Message], args: Json) -> list[Message]:
    oldest, latest = str(args.get("oldest") or "0"), str(args.get("latest") or "9")
    exact = str(args.get("inclusive")) in ("1", "True", "true")
    return [
        message
        for message in messages
        if oldest < message.ts < latest or (exact and message.ts in (oldest, latest))
    ]


def _is_reply(message: Message) -> bool:
    return bool(message.thread_ts) and message.thread_ts != message.ts


def _with_metadata(args: Json) -> bool:
    return str(args.get("include_all_metadata")) in ("1", "True", "true")


METHODS = {
    "auth.test": auth_test,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.info": conversation_info,
    "users.conversations": my_conversations,
    "users.info": user_info,
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setSuggestedPrompts": set_prompts,
    "assistant.threads.setTitle": set_title,
    "views.open": open_view,
    "views.update": update_view,
}
