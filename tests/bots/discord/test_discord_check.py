"""`onbrand bot discord check` says what is missing, in words."""

from collections.abc import Callable
from pathlib import Path

import pytest
from discord_wire import permissions as bits
from discord_wire.server import TOKEN, DiscordServer
from typer.testing import CliRunner

from onbrand.cli.app import app

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setenv("DISCORD_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("ONBRAND_DISCORD_BASE_URL", server.rest_url)
    monkeypatch.chdir(tmp_path)

    def run(settings: str = "") -> tuple[int, str]:
        (tmp_path / "brand.toml").write_text(f'[brand]\nname = "Saltmarsh"\n{settings}')
        result = CliRunner().invoke(app, ["bot", "discord", "check"])
        return result.exit_code, " ".join(result.output.split())

    return run


def test_all_is_well(check: Check, server: DiscordServer) -> None:
    status, said = check()
    assert status == 0, said
    assert "belongs to the bot saltmarsh" in said
    assert "Message Content Intent is on" in said
    assert "It is a member of Tea lovers" in said
    assert "It can answer in 2 channels of Tea lovers" in said


def test_what_is_missing_is_named_with_a_remedy(check: Check, server: DiscordServer) -> None:
    server.gateway.application["flags"] = 0
    server.gateway.application["interactions_endpoint_url"] = "https://example.com/hook"
    server.world.forbid(
        server.channel, server.guild["id"], bits.SEND_MESSAGES | bits.READ_MESSAGE_HISTORY
    )
    status, said = check('[discord]\nchannels = ["12345678901234567"]\n')
    assert status == 1
    assert "Message Content Intent is off" in said
    assert "Privileged Gateway Intents" in said
    assert "Empty Interactions Endpoint URL" in said
    assert "The channel 12345678901234567 of [discord] channels" in said
    status, said = check("[discord]\nthreads = true\n[discord.guilds.77]\nthreads = true")
    assert "In #general of Tea lovers it lacks Send Messages, Read Message History." in said
    assert "It can answer in 1 channel of Tea lovers" in said
    assert "[discord.guilds.77] is about a server that it is no member of" in said


def test_a_bot_in_no_server_gets_its_invitation(check: Check, server: DiscordServer) -> None:
    server.world.members.clear()
    status, said = check()
    assert status == 1
    assert "It is a member of no server" in said
    assert f"client_id={server.gateway.application['id']}" in said
    assert "scope=bot+applications.commands" in said


def test_a_wrong_or_missing_token(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_BOT_TOKEN", "not-the-token")
    status, said = check()
    assert status == 1
    assert "Discord does not know the token in DISCORD_BOT_TOKEN." in said
    assert "not-the-token" not in said
    monkeypatch.delenv("DISCORD_BOT_TOKEN")
    status, said = check()
    assert status == 1
    assert "DISCORD_BOT_TOKEN is not set." in said


def test_a_discord_that_does_not_answer(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBRAND_DISCORD_BASE_URL", "http://127.0.0.1:9/api/v10")
    status, said = check()
    assert status == 1
    assert "Discord does not answer at http://127.0.0.1:9/api/v10" in said
