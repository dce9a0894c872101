"""`onbrand bot slack` as a person types it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from slack_talk import environment
from slack_wire.server import SlackServer

from onbrand.workspace import Workspace

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def onbrand(
    root: Path, slack: SlackServer, *words: str, **changed: str
) -> tuple[int | None, str]:
    """Run the command; its exit code and all it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "onbrand", "-w", str(root), "bot", "slack", *words),
        env=environment(slack) | changed,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode()


async def test_tokens_that_are_missing_or_refused(workspace: Workspace, slack: SlackServer) -> None:
    code, said = await onbrand(workspace.root, slack, SLACK_APP_TOKEN="")
    assert (code, "SLACK_APP_TOKEN is not set" in said, "Traceback" in said) == (2, True, False)
    code, said = await onbrand(workspace.root, slack, SLACK_BOT_TOKEN="xoxb-other")
    assert (code, "Slack refuses the bot token" in said, "Traceback" in said) == (1, True, False)
    assert "xoxb-other" not in said
    code, said = await onbrand(workspace.root, slack, SLACK_APP_TOKEN="xapp-other")
    assert (code, "opens no socket" in said, "Traceback" in said) == (1, True, False)


async def test_check(workspace: Workspace, slack: SlackServer) -> None:
    code, said = await onbrand(workspace.root, slack, "check")
    assert (code, "The token has all scopes." in said) == (0, True)
    slack.world.scopes = "chat:write"
    code, said = await onbrand(workspace.root, slack, "check")
    assert code == 1
    assert "The scope im:history is missing" in said


async def test_manifest(workspace: Workspace, slack: SlackServer) -> None:
    code, said = await onbrand(workspace.root, slack, "manifest")
    assert code == 0
    assert json.loads(said)["features"]["bot_user"]["display_name"] == "Saltmarsh"
