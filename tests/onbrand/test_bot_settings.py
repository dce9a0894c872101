"""`[bots]`, `[slack]` and `[discord]`, and the bots' commands without what they need."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from onbrand.cli.app import app
from onbrand.config import BrandConfig, load_config
from onbrand.errors import UsageError


def config(folder: Path, text: str) -> BrandConfig:
    (folder / "brand.toml").write_text(text, encoding="utf-8")
    return load_config(folder / "brand.toml")


def test_a_discord_server_differs_in_what_it_names(tmp_path: Path) -> None:
    text = """
        [discord]
        channels = ["1"]
        threads = true
        [discord.guilds.99]
        channels = []
        roles = ["7"]
    """
    discord = config(tmp_path, text).discord
    assert discord.in_guild("") is discord
    assert discord.in_guild("98") is discord
    there = discord.in_guild("99")
    assert (there.channels, there.roles, there.threads) == ([], ["7"], True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[discord.guilds.99]\nrols = []", "did you mean discord.guilds.99.roles?"),
        ("[discord.guilds]\n99 = 3", "discord.guilds.99 = 3: "),
        ("[slack]\npersona = 'x'", "did you mean slack.personas?"),
        ("[slack.personas]\nC1 = 3", "slack.personas.C1 = 3: "),
        ("[slack]\ncommand = 'onbrand'", "slack.command = 'onbrand': "),
    ],
)
def test_what_cannot_be_right(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        config(tmp_path, text)
    assert sentence in str(caught.value)


def test_addresses_of_the_environment_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = config(tmp_path, "[slack]\nbase_url = 'http://slack/api'\n")
    assert found.slack.api_url == "http://slack/api/"
    assert found.discord.api_url == "https://discord.com/api/v10"
    assert found.discord.socket_url == ""
    monkeypatch.setenv("ONBRAND_SLACK_BASE_URL", "http://elsewhere/api/")
    monkeypatch.setenv("ONBRAND_DISCORD_BASE_URL", "http://elsewhere/v10/")
    monkeypatch.setenv("ONBRAND_DISCORD_GATEWAY_URL", "ws://elsewhere")
    assert found.slack.api_url == "http://elsewhere/api/"
    assert found.discord.api_url == "http://elsewhere/v10"
    assert found.discord.socket_url == "ws://elsewhere"


@pytest.mark.parametrize("name", ["slack", "discord"])
def test_without_a_token_a_bot_says_which_one_it_needs(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(tmp_path, "[bots]\ngateway = 'http://127.0.0.1:9'\n")
    for variable in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "DISCORD_BOT_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    ran = CliRunner().invoke(app, ["-w", str(tmp_path), "bot", name])
    assert isinstance(ran.exception, UsageError)
    assert f"{name.upper()}_BOT_TOKEN is not set" in str(ran.exception)
    checked = CliRunner().invoke(app, ["-w", str(tmp_path), "bot", name, "check"])
    assert checked.exit_code == 1
    assert "✗" in checked.stdout
    assert "`onbrand serve` starts it" in checked.stderr


def test_a_check_for_programs_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(tmp_path, "")
    monkeypatch.delenv("DISCORD_BOT_TOKEN", raising=False)
    checked = CliRunner().invoke(app, ["-w", str(tmp_path), "bot", "discord", "check", "--json"])
    [finding] = json.loads(checked.stdout)
    assert finding["good"] is False
    assert "DISCORD_BOT_TOKEN" in finding["what"]
