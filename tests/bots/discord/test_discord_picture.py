"""A talk as a person sees it; `DISCORD_PICTURE=file.png` has Chromium draw it (docs/images)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from discord_wire.bot_run import Runner, finished, labels
from discord_wire.picture import page
from discord_wire.server import DiscordServer
from fake_gateway import FakeGateway

pytestmark = pytest.mark.anyio
ANSWERS = {
    "chai": (
        "Every morning in our kitchen in Lahore, it begins the same way:\n\n"
        "1. **Milk first**, warmed slowly with a pinch of salt\n"
        "2. Green cardamom, crushed by hand\n"
        "3. *Kashmiri leaf*, whisked until it blushes pink\n\n"
        "Pull up a chair. The second cup is on us."
    ),
    "email": (
        "Of course. In our voice:\n\n> Your tea is on its way, and we packed it ourselves.\n\n"
        "```text\nSubject: Your kettle can start warming up\n```"
    ),
    "story": "Once there was a kettle that would not sing, however long the fire",
}


def answer(said: str) -> list[str]:
    text = next((text for key, text in ANSWERS.items() if key in said), "We are happy to help.")
    return [text[start : start + 7] for start in range(0, len(text), 7)]


async def test_a_talk_is_drawn_as_people_see_it(
    server: DiscordServer, engine: FakeGateway, runner: Runner, tmp_path: Path
) -> None:
    engine.pieces = answer
    async with runner.bot(bots="drain_seconds = 0", drain=0.0):
        first = server.do(
            lambda: server.ana.say(
                server.channel, f"{server.mention} how do you make your pink chai?"
            )
        )
        await server.until(lambda: finished(server.replies(first)))
        (told,) = server.replies(first)
        await server.until(lambda: len(told["reactions"]) == 2)
        server.do(lambda: server.ana.react(told, "👍"))
        second = server.do(
            lambda: server.ben.say(
                server.channel, "Lovely. Can you word the shipping email?", reply_to=told
            )
        )
        await server.until(lambda: finished(server.replies(second)))
        engine.mode = "cut"
        third = server.do(
            lambda: server.ana.say(server.channel, f"{server.mention} tell me a story")
        )
        await server.until(lambda: finished(server.replies(third)))
        engine.mode, engine.pause = "well", 0.2
        fourth = server.do(
            lambda: server.ben.say(server.channel, f"{server.mention} and another story?")
        )
        await server.until(lambda: server.replies(fourth))
        await server.until(lambda: len(server.replies(fourth)[0]["content"]) > 30)
        drawn = server.do(lambda: page(server.world, server.channel, typing="Saltmarsh"))
        assert labels(server.replies(third)[0]) == ["Try again"]
    for expected in ("<strong>Milk first</strong>", "🔁 Try again", "⏹️ Stop", "👍 2", "@Saltmarsh"):
        assert expected in drawn
    if picture := os.environ.get("DISCORD_PICTURE"):
        source = tmp_path / "talk.html"
        source.write_text(drawn)
        chromium = shutil.which("chromium") or "chromium-browser"
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--window-size=760,1090",
                f"--screenshot={Path(picture).resolve()}",
                source.as_uri(),
            ],
            check=True,
        )
