"""Draws what a person sees in a thread, from the blocks that the server received.

python tests/bots/slack/slack_page.py docs/images/slack.png
"""

import asyncio
import html
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), *(str(folder) for folder in Path(__file__).parents[:2])]

from fake_gateway import FakeGateway  # noqa: E402
from slack_talk import TOKENS, talking, write_brand  # noqa: E402
from slack_wire.server import slack_server  # noqa: E402
from slack_wire.workspace import MENTION  # noqa: E402
from slack_wire.world import Message, World  # noqa: E402

Block = dict[str, Any]

STYLE = """
* { box-sizing: border-box } body { margin: 0; font: 15px/1.46 Lato, 'Noto Sans', sans-serif;
color: #1d1c1d; background: #fff; width: 760px } header { padding: 14px 20px; font-weight: 800;
border-bottom: 1px solid #ddd } header small { color: #616061; font-weight: 400; margin-left: 8px }
.m { display: flex; gap: 10px; padding: 8px 20px } .face { width: 36px; height: 36px; flex: none;
border-radius: 6px; color: #fff; font-weight: 800; display: grid; place-items: center }
.who { font-weight: 800 } .app { font-size: 10px; background: #eee; color: #616061;
border-radius: 2px; padding: 1px 3px; margin-left: 4px; vertical-align: 2px }
.when { color: #616061; font-size: 12px; margin-left: 8px } p { margin: 0 0 6px }
ul, ol { margin: 2px 0 6px; padding-left: 26px } h1, h2, h3 { font-size: 18px; margin: 6px 0 }
pre { background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: 8px;
font: 12px/1.5 Menlo, 'Noto Sans Mono', monospace; margin: 4px 0 } code { font: 12px monospace;
background: #f8f8f8; border: 1px solid #ddd; border-radius: 3px; padding: 1px 3px; color: #c01343 }
pre code { border: 0; padding: 0; color: inherit }
table { border-collapse: collapse; margin: 4px 0 }
td, th { border: 1px solid #ddd; padding: 4px 10px; text-align: left } .note { color: #616061;
font-size: 13px } button { font: 700 13px Lato, sans-serif; padding: 5px 12px; background: #fff;
border: 1px solid #bbb; border-radius: 4px; margin-top: 4px } .thumbs span { display: inline-block;
border: 1px solid #ddd; border-radius: 12px; padding: 1px 8px; margin: 4px 4px 0 0 }
.mention { background: #fff3d9; color: #1264a3; border-radius: 3px; padding: 0 2px }
.status { color: #616061; font-style: italic; padding: 2px 20px 14px 66px; font-size: 13px }
"""
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def page(world: World, channel: str, root: str, title: str) -> str:
    """The thread as HTML."""
    drawn = "".join(_message(world, message) for message in world.thread(channel, root))
    return (
        f"<!DOCTYPE html><meta charset=utf-8><style>{STYLE}</style>"
        f"<header>Thread<small>{html.escape(title)}</small></header>{drawn}"
    )


def _message(world: World, message: Message) -> str:
    name = world.names.get(message.user, message.user)
    colour = "#146b5a" if message.ours else "#4a69bd"
    app = "<span class=app>APP</span>" if message.ours else ""
    if message.ours:
        said = MARKDOWN.render(message.body) + "".join(map(_block, message.blocks))
    else:
        text = html.escape(message.text.replace(MENTION, "\0"))
        said = f"<p>{text}</p>".replace("\0", "<span class=mention>@Saltmarsh</span>")
    return (
        f"<div class=m><div class=face style='background:{colour}'>{name[0]}</div><div>"
        f"<span class=who>{html.escape(name)}</span>{app}<span class=when>9:41 AM</span>"
        f"{said}</div></div>"
    )


def _block(block: Block) -> str:
    match block["type"]:
        case "context":
            words = " ".join(element["text"] for element in block["elements"])
            return f"<div class=note>{html.escape(words)}</div>"
        case "section":
            return f"<p>{html.escape(block['text']['text'])}</p>"
        case "actions":
            labels = (html.escape(element["text"]["text"]) for element in block["elements"])
            return "".join(f"<button>{label}</button>" for label in labels)
        case "context_actions":
            return "<div class=thumbs><span>👍</span><span>👎</span></div>"
        case "markdown":
            return ""  # it is in the body
        case other:
            raise AssertionError(f"{other} is not drawn")


def screenshot(drawn: str, picture: Path, height: int = 800) -> None:
    """Chromium's picture of a page."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(drawn)
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        size = (f"--window-size=760,{height}", "--force-device-scale-factor=2")
        shot = f"--screenshot={picture}"
        subprocess.run(["chromium", *flags, *size, shot, source.as_uri()], check=True, timeout=120)


PLAN = """Here are **three posts** for the spring menu:

1. *Monday:* First flush is in. Small leaves, soft as a morning.
2. *Wednesday:* The salt marsh wakes up, and so does our pot.
3. *Friday:* Bring a cup, we bring the kettle.

| Day | Where | Length |
|---|---|---|
| Monday | Instagram | 52 characters |
| Wednesday | Facebook | 48 characters |

```html
<a href="/spring">See the spring menu</a>
```
"""


async def draw(picture: Path) -> None:
    """A talk with the bot: an answer, one that was stopped, one that failed."""
    with tempfile.TemporaryDirectory() as folder:
        async with slack_server() as slack, FakeGateway().listening() as gateway:
            slack.world.add_channel("C0TEA")
            slack.world.names |= {"U0ANA": "Ana", "U0BOT": "Saltmarsh"}
            workspace = write_brand(Path(folder), slack, gateway)
            async with talking(workspace, slack, gateway) as talk:
                gateway.pieces = lambda said: PLAN.splitlines(keepends=True)
                ask = f"{MENTION} three posts for the spring menu, please"
                first = await talk.people.say("C0TEA", ask)
                await talk.answer_to(first)
                gateway.pieces = lambda said: ["Of course. ", "A longer one ", *["would "] * 99]
                gateway.pause = 0.1
                await talk.people.say("C0TEA", "a longer one for Friday?", thread=first.ts)
                await asyncio.sleep(1.0)
                await talk.people.say("C0TEA", "stop", thread=first.ts)
                await talk.quiet()
                gateway.mode, gateway.retry_after = "503", "60"
                await talk.people.say("C0TEA", "and one about salt", thread=first.ts)
                while len(talk.slack.world.answers("C0TEA", first.ts)) < 3:
                    await asyncio.sleep(0.05)
                await talk.quiet()
            screenshot(page(slack.world, "C0TEA", first.ts, "#tea"), picture)


if __name__ == "__main__":
    import os

    os.environ.update(TOKENS)
    asyncio.run(draw(Path(sys.argv[1]).resolve()))
