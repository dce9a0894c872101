"""A Slack that refuses for long, in ways that its documentation does not show."""

import logging

import pytest
from slack_talk import LATER, StartBot, Talk
from slack_wire.faults import Fault
from slack_wire.server import SlackServer
from slack_wire.workspace import MENTION, eventually
from slack_wire.world import Message

from bots.slack.web import LIBRARIES

pytestmark = pytest.mark.anyio
WORDS = [f"word{number} " for number in range(20)]
WHOLE = "".join(WORDS).strip()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500),
        Fault("status", status=404),
        Fault("abort"),
        Fault("error", "internal_error"),
        Fault("error", "unknown_method"),
    ],
)
async def test_streams_that_never_begin(talk: Talk, fault: Fault) -> None:
    talk.slack.faults.lasting["chat.startStream"] = fault
    talk.gateway.pieces, talk.gateway.pause = lambda said: WORDS, 0.1
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert await talk.answer_to(said) == WHOLE
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    assert answer.metadata
    assert answer.metadata["event_payload"]["last"]


@pytest.mark.parametrize("word", ["ratelimited", "rate_limited"])
async def test_limits_that_come_as_errors(talk: Talk, word: str) -> None:
    """Nothing was appended, so nothing has to begin anew, and the words come with the next."""
    limited = Fault("error", word)
    talk.slack.faults.add("chat.startStream", limited)
    talk.slack.faults.add("chat.appendStream", limited, limited)
    talk.slack.faults.add("chat.stopStream", limited)
    talk.gateway.pieces, talk.gateway.pause = lambda said: WORDS, 0.1
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert await talk.answer_to(said) == WHOLE
    assert len(talk.slack.faults.happened) == 4
    assert len(talk.slack.world.answers("C0TEA", said.ts)) == 1


@pytest.mark.parametrize("after", ["0.3", "soon", ""])
async def test_a_time_to_wait_that_is_no_number(talk: Talk, after: str) -> None:
    talk.slack.faults.add("chat.startStream", Fault("ratelimited", retry_after=after))
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    assert await talk.answer_to(said) == "You said: hello ."


async def test_the_ticket_of_a_socket_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, LIBRARIES.name):
        LIBRARIES.error("Failed (error: %s)", "401, url='wss://slack.example/link?ticket=t-1&a=b'")
    assert "t-1" not in caplog.text
    assert "ticket=…&a=b'" in caplog.text


async def test_an_edit_that_is_refused_for_now(talk: Talk) -> None:
    talk.slack.world.streams_allowed = False
    words = ("update_failed", "streaming_state_conflict", "request_timeout")
    talk.slack.faults.add("chat.update", *(Fault("error", word) for word in words))
    talk.gateway.pieces, talk.gateway.pause = lambda said: WORDS, 0.1
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert await talk.answer_to(said) == WHOLE
    await eventually(lambda: len(talk.slack.faults.happened) == 3, LATER)


@pytest.mark.parametrize("word", ["edit_window_closed", "cant_update_message"])
async def test_messages_that_may_not_be_edited(talk: Talk, word: str) -> None:
    """What they show stays; the rest comes in another one."""
    talk.slack.world.stream_seconds = 0.4
    talk.slack.faults.lasting["chat.update"] = Fault("error", word)
    talk.gateway.pieces, talk.gateway.pause = lambda said: WORDS, 0.1
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert (await talk.answer_to(said)).split() == WHOLE.split()
    last = talk.slack.world.answers("C0TEA", said.ts)[-1]
    assert last.metadata
    assert last.metadata["event_payload"]["last"]


async def test_one_channel_that_cannot_be_read_any_more(
    start: StartBot, slack: SlackServer
) -> None:
    """The others are, after a restart."""
    async with start() as talk:
        for channel in ("C0TEA", "G0BOARD"):
            await talk.answer_to(await talk.people.say(channel, f"{MENTION} first"))
    world = slack.world
    missed = [
        world.add(Message(channel, world.new_ts(), "U0ANA", f"{MENTION} missed"))
        for channel in ("C0TEA", "G0BOARD")
    ]
    slack.faults.add("conversations.history", Fault("error", "missing_scope"))
    async with start() as talk:
        await eventually(lambda: any(world.answers(m.channel, m.ts) for m in missed), LATER)
        await talk.quiet()
    assert sum(len(world.answers(m.channel, m.ts)) for m in missed) == 1


async def test_a_thread_that_is_gone_shows_no_answer(talk: Talk) -> None:
    said = await talk.people.say("C0TEA", "not to us")
    asked = talk.bot.platform.reader.question({**said.json(), "channel": "C0TEA"}, "T0TEAM")
    assert asked is not None
    talk.slack.faults.add("conversations.replies", Fault("error", "thread_not_found"))
    assert await talk.bot.platform.delivered(asked, (), ()) is None


async def test_no_room_for_thumbs_below_the_words(talk: Talk) -> None:
    """The words have room; what all blocks of a message may hold is documented nowhere."""
    full = Fault("error", "msg_blocks_too_long")
    talk.slack.faults.add("chat.stopStream", full)
    talk.slack.faults.add("chat.update", full)
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    assert await talk.answer_to(said) == "You said: hello ."
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    assert "feedback" not in str(answer.blocks)
