"""The socket that breaks, is replaced, or cannot be opened at first."""

import asyncio
import time
from datetime import timedelta

import pytest
from slack_talk import LATER, StartBot, Talk
from slack_wire.faults import Fault
from slack_wire.server import SlackServer
from slack_wire.workspace import MENTION, eventually

from onbrand.errors import OnbrandError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("attempt", range(3))
async def test_a_tcp_abort(talk: Talk, attempt: int) -> None:
    """Events of the meantime arrive on the next socket, which is there within three seconds."""
    aborted = time.monotonic()
    talk.slack.sockets.abort()
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    await eventually(lambda: len(talk.slack.sockets.connects) == 2, LATER)
    assert talk.slack.sockets.connects[1] - aborted < 3
    assert await talk.answer_to(said) == "You said: hello ."
    assert talk.bot.connected()


async def test_a_socket_that_is_replaced(talk: Talk) -> None:
    for number in range(2, 5):
        await talk.slack.sockets.disconnect("refresh_requested")
        said = await talk.people.say("C0TEA", f"{MENTION} {number}")
        await eventually(lambda n=number: len(talk.slack.sockets.connects) >= n, LATER)
        assert await talk.answer_to(said) == f"You said: {number} ."


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_every_reason_to_disconnect(talk: Talk, reason: str) -> None:
    await talk.slack.sockets.disconnect(reason)
    await eventually(lambda: len(talk.slack.sockets.connects) == 2, LATER)
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    assert await talk.answer_to(said) == "You said: hello ."


async def test_socket_mode_that_is_off_for_a_while(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bots.slack.connection._REFUSED_SECONDS", 0.3)
    talk.slack.faults.lasting["apps.connections.open"] = Fault("error", "not_enabled")
    talk.slack.sockets.abort()
    await eventually(lambda: len(talk.slack.called("apps.connections.open")) > 3, LATER)
    del talk.slack.faults.lasting["apps.connections.open"]
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    assert await talk.answer_to(said) == "You said: hello ."
    assert caplog.text.count("is lost (not_enabled)") == 1


async def test_a_token_that_is_revoked(talk: Talk) -> None:
    talk.slack.faults.lasting["apps.connections.open"] = Fault("error", "token_revoked")
    talk.slack.sockets.abort()
    with pytest.raises(OnbrandError, match="token_revoked"):
        async with asyncio.timeout(LATER):
            await talk.bot.wait()
    assert not talk.bot.connected()


async def test_a_first_socket_that_breaks(
    start: StartBot, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its URL is of no use any more; the next one is."""
    monkeypatch.setattr("bots.slack.connection._CONNECT_SECONDS", 0.5)
    slack.sockets.refuse_next = True
    async with start() as talk:
        said = await talk.people.say("C0TEA", f"{MENTION} hello")
        assert await talk.answer_to(said) == "You said: hello ."
    assert len(slack.called("apps.connections.open")) == 2


async def test_what_is_said_while_there_is_no_socket_for_long(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack gives up on an event after some minutes; then its history tells."""
    monkeypatch.setattr("bots.slack.connection._AWAY", timedelta(seconds=1))
    await talk.answer_to(await talk.people.say("C0TEA", f"{MENTION} one"))
    first = await talk.people.say("D0ANA", "two")
    await talk.answer_to(first)
    talk.slack.faults.lasting["apps.connections.open"] = Fault("error", "internal_error")
    talk.slack.sockets.abort()
    await eventually(lambda: not talk.bot.connected(), LATER)
    missed = [
        await talk.people.say("C0TEA", f"{MENTION} three"),
        await talk.people.say("D0ANA", "four", thread=first.ts),
        await talk.people.say("C0TEA", "five, to nobody"),
    ]
    talk.slack.sockets.forget()
    await asyncio.sleep(2)
    talk.slack.faults.lasting.clear()
    assert await talk.answer_to(missed[0]) == "You said: three ."
    await eventually(lambda: "four" in talk.slack.world.shown("D0ANA", first.ts), LATER)
    await talk.quiet()
    assert len(talk.gateway.bodies) == 4


async def test_a_slack_that_opens_no_socket_for_a_while(talk: Talk) -> None:
    refused = Fault("error", "internal_error")
    talk.slack.faults.add("apps.connections.open", refused, Fault("ratelimited", seconds=1))
    talk.slack.faults.add("apps.connections.open", Fault("status", status=503), Fault("abort"))
    talk.slack.sockets.abort()
    await eventually(lambda: not talk.bot.connected(), LATER)
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    assert await talk.answer_to(said) == "You said: hello ."


async def test_an_abort_in_the_middle_of_an_answer(talk: Talk) -> None:
    words = [f"word{number} " for number in range(40)]
    talk.gateway.pieces, talk.gateway.pause = lambda said: words, 0.05
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    await eventually(lambda: bool(talk.slack.world.shown("C0TEA", said.ts)), LATER)
    talk.slack.sockets.abort()
    assert await talk.answer_to(said) == "".join(words).strip()
    assert len(talk.gateway.bodies) == 1
