"""`chat.*`: posting, streaming, editing, with the limits that Slack documents."""

import time
from typing import Any

from slack_wire.errors import MethodError
from slack_wire.world import BOT_ID, BOT_USER, Json, Message, World

MARKDOWN_LIMIT, SECTION_LIMIT, BLOCKS_LIMIT, TEXT_LIMIT = 12_000, 3_000, 50, 40_000
UPDATE_LIMIT = 4_000
"""Of the text that `chat.update` takes; counted in bytes, which is the strictest."""


def post_message(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postMessage."""
    message = _new(world, args)
    _fill(message, args)
    world.add(message)
    return {"ok": True, "channel": message.channel, "ts": message.ts, "message": message.json(True)}


def post_ephemeral(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postEphemeral."""
    message = _new(world, args)
    _fill(message, args)
    world.ephemerals.append(dict(args) | {"body": message.body})
    return {"ok": True, "message_ts": message.ts}


def update(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/chat.update."""
    message = _ours(world, args)
    if world.state(message) == "streaming":
        raise MethodError("streaming_state_conflict")
    if len(str(args.get("text") or "").encode()) > UPDATE_LIMIT:
        raise MethodError("msg_too_long")
    _fill(message, args)
    message.edits += 1
    return {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text}


def delete(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/chat.delete."""
    message = _ours(world, args)
    message.deleted = True
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def start_stream(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/chat.startStream."""
    if not world.streams_allowed:
        raise MethodError("not_allowed")
    message = _new(world, args)
    if world.channels[message.channel].kind != "im" or not message.thread_ts:
        for name in ("recipient_team_id", "recipient_user_id"):
            if not args.get(name):
                raise MethodError(f"missing_{name}")
    if world.channels[message.channel].kind == "im" and not message.thread_ts:
        raise MethodError("invalid_thread_ts")
    message.streaming, message.started = "streaming", time.monotonic()
    _extend(message, args)
    world.add(message)
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def append_stream(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/chat.appendStream."""
    message = _streaming(world, args)
    if not (args.get("markdown_text") or args.get("chunks")):
        raise MethodError("no_text")
    _extend(message, args)
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def stop_stream(world: World, args: Json) -> Json:
    """https://docs.slack.dev/reference/methods/chat.stopStream."""
    message = _streaming(world, args)
    _extend(message, args)
    blocks = args.get("blocks") or []
    _check_blocks(blocks)
    message.blocks = blocks
    message.metadata = args.get("metadata") or message.metadata
    message.streaming = "stopped"
    answer = {"ok": True, "channel": message.channel, "ts": message.ts}
    return answer | {"message": message.json(True)}


def _new(world: World, args: Json) -> Message:
    channel = world.channels.get(str(args.get("channel", "")))
    if channel is None:
        raise MethodError("channel_not_found")
    if not channel.member:
        raise MethodError("not_in_channel")
    thread = str(args.get("thread_ts") or "")
    if thread and world.find(channel.id, thread) is None:
        raise MethodError("invalid_thread_ts")
    message = Message(channel.id, world.new_ts(), BOT_USER, "", thread, ours=True)
    message.metadata = args.get("metadata")
    return message


def _ours(world: World, args: Json) -> Message:
    message = world.find(str(args.get("channel", "")), str(args.get("ts", "")))
    if message is None:
        raise MethodError("message_not_found")
    if not message.ours:
        raise MethodError("cant_update_message", bot=BOT_ID)
    return message


def _streaming(world: World, args: Json) -> Message:
    message = _ours(world, args)
    match world.state(message):
        case "streaming":
            return message
        case "stopped_by_user":
            raise MethodError("stopped_by_user")
        case _:
            raise MethodError("message_not_in_streaming_state")


def _extend(message: Message, args: Json) -> None:
    """Append what a stream's method brings."""
    pieces = [str(args.get("markdown_text") or "")]
    for chunk in args.get("chunks") or []:
        if chunk.get("type") != "markdown_text":
            raise MethodError("invalid_chunks")
        pieces.append(str(chunk["text"]))
    if any(len(piece) > MARKDOWN_LIMIT for piece in pieces):
        raise MethodError("msg_too_long")
    message.body += "".join(pieces)


def _fill(message: Message, args: Json) -> None:
    """Set what `chat.postMessage` and `chat.update` bring."""
    markdown, text, blocks = (args.get(name) for name in ("markdown_text", "text", "blocks"))
    if markdown and (text or blocks):
        raise MethodError("markdown_text_conflict")
    if not (markdown or text or blocks):
        raise MethodError("no_text")
    if len(text or "") > TEXT_LIMIT or len(markdown or "") > MARKDOWN_LIMIT:
        raise MethodError("msg_too_long")
    _check_blocks(blocks or [])
    message.text, message.blocks = text or "", blocks or []
    message.body = markdown or "".join(map(_words, message.blocks))
    message.metadata = args.get("metadata") or message.metadata


def _words(block: Json) -> str:
    """The Markdown in a block."""
    if block["type"] == "rich_text":
        return "".join(e["text"] for part in block["elements"] for e in part["elements"])
    return str(block["text"]) if block["type"] == "markdown" else ""


def _check_blocks(blocks: list[Json]) -> None:
    if len(blocks) > BLOCKS_LIMIT:
        raise MethodError("invalid_blocks")
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN_LIMIT:
        raise MethodError("msg_blocks_too_long")
    for block in blocks:
        if block["type"] == "section":
            _check_text(block["text"])
        for element in block.get("elements", []):
            if element.get("type") == "mrkdwn":
                _check_text(element)
            if len(element.get("value", "")) > 2_000:
                raise MethodError("invalid_blocks")


def _check_text(text: Any) -> None:
    if not 0 < len(text["text"]) <= SECTION_LIMIT:
        raise MethodError("invalid_blocks")


METHODS = {
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update,
    "chat.delete": delete,
    "chat.startStream": start_stream,
    "chat.appendStream": append_stream,
    "chat.stopStream": stop_stream,
}
