"""What a person sees: the messages of a channel of the local Discord, drawn in Discord's look."""

import html
import re
from datetime import datetime

from markdown_it import MarkdownIt

from discord_wire.messages import CHAT_COMMAND, REPLY
from discord_wire.world import Json, World

_STYLE = """
body{margin:0;background:#313338;color:#dbdee1;font:16px/1.375 "Noto Sans","gg sans",sans-serif;
width:760px}
header{padding:12px 16px;border-bottom:1px solid #26272b;font-weight:600;color:#f2f3f5}
header span{color:#80848e;font-weight:400;margin-right:6px}
main{padding:16px 16px 20px}
article{position:relative;padding:2px 0 2px 56px;margin-bottom:15px}
.avatar{position:absolute;left:0;top:4px;width:40px;height:40px;border-radius:50%;color:#fff;
display:flex;align-items:center;justify-content:center;font-weight:600}
.reply{position:relative;font-size:14px;color:#b5bac1;margin:0 0 2px;white-space:nowrap}
.reply::before{content:"";display:inline-block;width:30px;height:8px;margin:0 6px -2px -36px;
border:2px solid #4e5058;border-right:0;border-bottom:0;border-radius:6px 0 0 0}
.replied .avatar{top:26px}
.name{font-weight:500;color:#f2f3f5;margin-right:6px}
.tag{background:#5865f2;color:#fff;border-radius:3px;font-size:10px;padding:1px 4px;
vertical-align:2px;margin-right:6px}
time{font-size:12px;color:#949ba4}
.text p{margin:0 0 6px}.text ul,.text ol{margin:4px 0;padding-left:24px}
.text code{background:#2b2d31;padding:0 3px;border-radius:3px;font:14px monospace}
.text pre{background:#2b2d31;border:1px solid #1e1f22;border-radius:4px;padding:8px;margin:6px 0}
.text pre code{padding:0}
.text blockquote{border-left:4px solid #4e5058;margin:4px 0;padding-left:12px}
.text small{display:block;color:#949ba4;font-size:13px;margin-top:2px}
.mention{background:rgba(88,101,242,.3);color:#c9cdfb;border-radius:3px;padding:0 2px}
.row{margin-top:6px}
.button{display:inline-block;background:#4e5058;color:#fff;border-radius:3px;padding:5px 14px;
font-size:14px;font-weight:500}
.reaction{display:inline-block;background:#2b2d31;border:1px solid #2b2d31;border-radius:8px;
padding:2px 7px;margin-right:4px;font-size:14px;color:#b5bac1}
.reaction.me{background:rgba(88,101,242,.15);border-color:#5865f2;color:#dee0fc}
.typing{padding:0 16px 12px;font-size:14px;color:#dbdee1}
"""
_COLOURS = ("#5865f2", "#3ba55c", "#c27c0e", "#ad1457", "#11806a")
_MARKDOWN = MarkdownIt("commonmark", {"breaks": True}).enable("strikethrough")


def page(world: World, channel: Json, *, typing: str = "") -> str:
    """The channel as an HTML page.

    Args:
        world: What Discord knows.
        channel: Whose messages are drawn, oldest first.
        typing: Who is typing; "" for nobody.
    """
    drawn = "".join(
        _article(world, channel, each) for each in world.messages[channel["id"]].values()
    )
    status = f'<div class="typing"><b>{html.escape(typing)}</b> is typing…</div>' if typing else ""
    name = html.escape(channel.get("name", "Direct message"))
    return (
        f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style>'
        f"<header><span>#</span>{name}</header><main>{drawn}</main>{status}"
    )


def _article(world: World, channel: Json, message: Json) -> str:
    author = message["author"]
    above = _above(world, message)
    tag = '<span class="tag">APP</span>' if author["bot"] else ""
    at = f"{datetime.fromisoformat(message['timestamp']):%H:%M}"
    initial = html.escape(_name(author)[0])
    colour = _COLOURS[sorted(world.users).index(author["id"]) % len(_COLOURS)]
    return (
        f'<article class="{"replied" if above else ""}">{above}'
        f'<div class="avatar" style="background:{colour}">{initial}</div>'
        f'<div><span class="name">{html.escape(_name(author))}</span>{tag}<time>{at}</time></div>'
        f'<div class="text">{_text(world, message["content"])}</div>{_below(message)}</article>'
    )


def _above(world: World, message: Json) -> str:
    """The line that says what it replies to."""
    if message["type"] == CHAT_COMMAND:
        user = message["interaction_metadata"]["user"]
        said = f'<b>{html.escape(_name(user))}</b> used <span class="mention">/onbrand</span>'
    elif message["type"] == REPLY:
        reference = message["message_reference"]
        original = world.messages[reference["channel_id"]].get(reference["message_id"])
        if original is None:
            said = "<i>Original message was deleted</i>"
        else:
            line = html.escape(_plain(world, original["content"]))
            said = f"<b>{html.escape(_name(original['author']))}</b> {line}"
    else:
        return ""
    return f'<div class="reply">{said}</div>'


def _below(message: Json) -> str:
    buttons = "".join(
        f'<span class="button">{each["emoji"]["name"]} {html.escape(each["label"])}</span>'
        for row in message["components"]
        for each in row["components"]
    )
    reactions = "".join(
        f'<span class="reaction {"me" if each["me"] else ""}">{each["emoji"]["name"]} '
        f"{each['count']}</span>"
        for each in message["reactions"]
    )
    return "".join(f'<div class="row">{each}</div>' for each in (buttons, reactions) if each)


def _text(world: World, content: str) -> str:
    small = [line for line in content.split("\n") if line.startswith("-# ")]
    body = "\n".join(line for line in content.split("\n") if not line.startswith("-# "))
    drawn = _MARKDOWN.render(body)
    drawn = re.sub(r"&lt;@!?(\d+)&gt;", lambda each: _mention(world, each[1]), drawn)
    return drawn + "".join(f"<small>{html.escape(line[3:])}</small>" for line in small)


def _mention(world: World, user_id: str) -> str:
    name = _name(world.users[user_id]) if user_id in world.users else "unknown-user"
    return f'<span class="mention">@{html.escape(name)}</span>'


def _plain(world: World, content: str) -> str:
    named = re.sub(r"<@!?(\d+)>", lambda each: f"@{_name(world.users[each[1]])}", content)
    return re.sub(r"[*_`#>]", "", named).replace("\n", " ")[:90]


def _name(user: Json) -> str:
    return str(user["global_name"] or user["username"].capitalize())
