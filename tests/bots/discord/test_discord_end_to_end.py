"""From a person in Discord through the real gateway to a real, tiny model and back."""

from pathlib import Path

import pytest
from discord_wire.bot_run import Runner, finished, labels
from discord_wire.server import TOKEN, DiscordServer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_model_answers_in_discord(
    server: DiscordServer, gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_BOT_TOKEN", TOKEN)
    async with Runner(server, gateway, tmp_path).bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.replies(question)), 120)
    (answer,) = server.replies(question)
    assert answer["content"]
    assert labels(answer) == [], "it failed"
    assert len(answer["reactions"]) == 2
