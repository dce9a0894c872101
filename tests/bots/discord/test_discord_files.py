"""Attachments are read while their links hold, and asked for anew when they do not."""

from datetime import UTC, datetime

import pytest
from discord_wire.bot_run import Runner
from discord_wire.server import DiscordServer
from discord_wire.world import Json
from fake_gateway import FakeGateway

from bots.discord.platform import DiscordPlatform
from bots.question import Asked, Attachment, Place
from onbrand.errors import OnbrandError

pytestmark = pytest.mark.anyio


async def attachment_of(
    server: DiscordServer, platform: DiscordPlatform, message: Json
) -> Attachment:
    place = Place("discord", server.guild["id"], message["channel_id"])
    asked = Asked(message["id"], place, server.ana.id, "message", 1, datetime.now(UTC))
    question = await platform.reload(asked)
    assert question is not None
    return question.turn.attachments[0]


async def test_a_stale_link_is_renewed_and_a_file_that_is_gone_is_said_so(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot() as running:
        platform = running.bot.platform
        file = ("menu.md", b"# Chai", "text/markdown")
        message = server.do(lambda: server.ana.say(server.channel, "see", files=[file]))
        attachment = await attachment_of(server, platform, message)
        assert (attachment.name, attachment.kind, attachment.size) == ("menu.md", "text", 6)
        assert await platform.fetch(attachment, 1024) == b"# Chai"

        (kept,) = message["attachments"]
        content = server.world.files.popitem()[1]
        with pytest.raises(OnbrandError, match=r"menu\.md is not on Discord any more"):
            await platform.fetch(attachment, 1024)
        server.world.files["/attachments/renewed/menu.md"] = content
        kept["url"] = f"{server.url}/cdn/attachments/renewed/menu.md?hm=2"
        assert await platform.fetch(attachment, 1024) == b"# Chai"


async def test_no_more_than_the_limit_is_read_whatever_discord_says_of_the_size(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot() as running:
        file = ("big.txt", b"x" * 5000, "text/plain")
        message = server.do(lambda: server.ana.say(server.channel, "see", files=[file]))
        big = await attachment_of(server, running.bot.platform, message)
        with pytest.raises(OnbrandError, match=r"big\.txt is larger than 4 kB"):
            await running.bot.platform.fetch(big, 4096)
        message["attachments"][0]["size"] = 10
        lying = await attachment_of(server, running.bot.platform, message)
        with pytest.raises(OnbrandError, match="larger than 4 kB"):
            await running.bot.platform.fetch(lying, 4096)


async def test_kinds_of_files(server: DiscordServer, engine: FakeGateway, runner: Runner) -> None:
    files = {
        ("a.bin", "text/csv"): "text",
        ("notes.YAML", ""): "text",
        ("a.png", "image/png"): "image",
        ("a.ogg", "audio/ogg"): "voice",
        ("a.zip", "application/zip"): "other",
    }
    async with runner.bot() as running:
        for (name, media_type), kind in files.items():
            file = (name, b"content", media_type)
            message = server.do(lambda f=file: server.ana.say(server.channel, "see", files=[f]))
            assert (await attachment_of(server, running.bot.platform, message)).kind == kind
