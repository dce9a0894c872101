"""From a person in Slack through the real gateway to a real, tiny model and back."""

from pathlib import Path

import pytest
from fake_gateway import FakeGateway
from slack_talk import talking, write_brand
from slack_wire.server import SlackServer
from slack_wire.workspace import MENTION, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_a_model_answers_in_slack(
    tmp_path: Path, slack: SlackServer, real_gateway: str
) -> None:
    gateway = FakeGateway(url=real_gateway)  # for its address; it does not listen
    workspace = write_brand(tmp_path, slack, gateway)
    async with talking(workspace, slack, gateway, patience=120) as talk:
        said = await talk.people.say("C0TEA", f"{MENTION} hello")
        await eventually(lambda: bool(slack.world.answers("C0TEA", said.ts)), 120)
        await eventually(lambda: not talk.desk.under_way, 120)
        (answer,) = slack.world.answers("C0TEA", said.ts)
    assert answer.streaming in ("stopped", "")  # what comes all at once is posted
    assert answer.metadata, "it says that it is whole"
    assert answer.metadata["event_payload"]["last"] is True
    assert slack.world.shown("C0TEA", said.ts)
