"""Slack calls the bot: signatures, and the same behaviour as with a socket."""

import json
import time
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier
from slack_talk import Talk
from slack_wire import payloads
from slack_wire.server import SIGNING_SECRET
from slack_wire.workspace import MENTION
from slack_wire.world import Json, Message

from bots.slack.connection import HttpConnection

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("settings", ['mode = "http"\nhost = "127.0.0.1"\nport = 0']),
]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


async def post(
    talk: Talk, body: str, kind: str = JSON, secret: str = SIGNING_SECRET, age: float = 0
) -> tuple[int, str]:
    """Post as Slack does; the status and the body of the response."""
    connection = talk.bot._connection
    assert isinstance(connection, HttpConnection)
    sent = str(int(time.time() - age))
    signature = SignatureVerifier(secret).generate_signature(timestamp=sent, body=body) or ""
    headers = {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": sent,
        "X-Slack-Signature": signature,
    }
    url = f"http://127.0.0.1:{connection.port}/slack/events"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body.encode(), headers=headers) as response,
    ):
        return response.status, await response.text()


def said_in(talk: Talk, text: str) -> tuple[Message, Json]:
    world = talk.slack.world
    message = world.add(Message("C0TEA", world.new_ts(), "U0ANA", text))
    return message, payloads.event_callback(payloads.mention_event(message))


async def test_an_event(talk: Talk) -> None:
    said, payload = said_in(talk, f"{MENTION} hello")
    for _ in range(3):
        assert await post(talk, json.dumps(payload)) == (200, "")
    assert await talk.answer_to(said) == "You said: hello ."
    assert len(talk.gateway.bodies) == 1


async def test_a_wrong_or_old_signature_is_refused(talk: Talk) -> None:
    _, payload = said_in(talk, f"{MENTION} hello")
    body = json.dumps(payload)
    assert (await post(talk, body, secret="another"))[0] == 401
    assert (await post(talk, body, age=301))[0] == 401
    assert (await post(talk, body, age=-301))[0] == 401
    await talk.quiet()
    assert not talk.gateway.bodies


async def test_slack_verifies_the_url(talk: Talk) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "a-challenge"})
    status, text = await post(talk, body)
    assert (status, json.loads(text)["challenge"]) == (200, "a-challenge")
    assert (await post(talk, body, secret="another"))[0] == 401


async def test_a_command_and_a_click(talk: Talk) -> None:
    command = payloads.command("C0TEA", "U0ANA", "help", f"{talk.slack.root}/hooks/h1")
    status, text = await post(talk, urlencode(command), FORM)
    assert status == 200
    assert "/onbrand write" in json.loads(text)["text"]
    said, payload = said_in(talk, f"{MENTION} hello")
    await post(talk, json.dumps(payload))
    await talk.answer_to(said)
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    action = {"type": "feedback_buttons", "action_id": "feedback", "value": "up"}
    click = payloads.button(answer, "U0ANA", action, f"{talk.slack.root}/hooks/h2")
    assert await post(talk, urlencode({"payload": json.dumps(click)}), FORM) == (200, "")
