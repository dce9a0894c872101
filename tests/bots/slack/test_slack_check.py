"""`onbrand bot slack check` and `manifest`: what a person is told."""

import json

import pytest
from slack_wire.faults import Fault
from slack_wire.server import SlackServer
from slack_wire.world import BOT_SCOPES

from bots.check import Finding
from bots.slack.check import check
from bots.slack.manifest import SCOPES, manifest
from onbrand.errors import UsageError
from onbrand.workspace import Workspace

pytestmark = pytest.mark.anyio


def bad(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if not finding.good]


async def test_all_is_well(workspace: Workspace) -> None:
    findings = await check(workspace)
    assert bad(findings) == []
    assert findings[0].what == "The bot is @salty in Saltmarsh."


async def test_missing_scopes(workspace: Workspace, slack: SlackServer) -> None:
    slack.world.scopes = "chat:write,commands"
    assert "The scope im:history is missing: the bot cannot read direct messages to it." in bad(
        await check(workspace)
    )
    assert len(bad(await check(workspace))) == len(SCOPES) - 2


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SLACK_BOT_TOKEN", "", "SLACK_BOT_TOKEN is not set"),
        ("SLACK_BOT_TOKEN", "xoxp-mine", "does not begin with xoxb-"),
        ("SLACK_BOT_TOKEN", "xoxb-other", "Slack refuses the bot token"),
        ("SLACK_APP_TOKEN", "", "SLACK_APP_TOKEN is not set"),
        ("SLACK_APP_TOKEN", "xoxb-mine", "does not begin with xapp-"),
        ("SLACK_APP_TOKEN", "xapp-other", "Slack refuses the app-level token"),
    ],
)
async def test_tokens(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    (what,) = bad(await check(workspace))
    assert says in what
    assert "other" not in what


async def test_socket_mode_is_off(workspace: Workspace, slack: SlackServer) -> None:
    slack.faults.lasting["apps.connections.open"] = Fault("error", "forbidden_team")
    assert bad(await check(workspace)) == ["Socket Mode is off."]


async def test_slack_cannot_be_reached(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBRAND_SLACK_BASE_URL", "http://127.0.0.1:9/api")
    assert bad(await check(workspace)) == [
        "The bot cannot sign in to Slack: Slack cannot be reached."
    ]


@pytest.mark.parametrize("settings", ['channels = ["C0TEA", "C0FAR", "C0NONE"]'])
async def test_channels(workspace: Workspace, slack: SlackServer) -> None:
    slack.world.add_channel("C0FAR").member = False
    findings = await check(workspace)
    assert [what.split(":")[0] for what in bad(findings)] == [
        "The bot cannot read channel C0FAR",
        "The bot cannot read channel C0NONE",
    ]
    assert all("/invite @salty" in finding.remedy for finding in findings if not finding.good)


async def test_no_channel(workspace: Workspace, slack: SlackServer) -> None:
    slack.world.scopes += ",channels:read"
    assert bad(await check(workspace)) == []
    for channel in slack.world.channels.values():
        channel.member = False
    assert "The bot is in no channel" in bad(await check(workspace))[0]


async def test_the_manifest_asks_for_what_is_used(workspace: Workspace) -> None:
    content = json.loads(manifest(workspace))
    assert content["display_information"]["name"] == "Saltmarsh"
    assert content["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in str(content)
    assert ",".join(content["oauth_config"]["scopes"]["bot"]) == BOT_SCOPES
    assert "assistant_view" in content["features"]
    assert "assistant_thread_started" in content["settings"]["event_subscriptions"]["bot_events"]


@pytest.mark.parametrize("settings", ['mode = "http"\nview = "agent"'])
async def test_the_manifest_for_http(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="--request-url"):
        manifest(workspace)
    content = json.loads(manifest(workspace, "https://bots.example/"))
    url = "https://bots.example/slack/events"
    assert content["settings"]["interactivity"] == {"is_enabled": True, "request_url": url}
    assert content["features"]["slash_commands"][0]["url"] == url
    assert content["settings"]["socket_mode_enabled"] is False
    assert "app_home_opened" in content["settings"]["event_subscriptions"]["bot_events"]
    assert "agent_view" in content["features"]
