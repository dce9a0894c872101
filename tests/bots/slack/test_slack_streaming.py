"""Streams that expire, are stopped, refused or limited: no word is lost or said twice."""

import pytest
from slack_talk import LATER, Talk
from slack_wire.faults import Fault
from slack_wire.workspace import MENTION, eventually

pytestmark = pytest.mark.anyio
WORDS = [f"word{number} " for number in range(30)]
WHOLE = "".join(WORDS).strip()


def tell_words(talk: Talk, pause: float = 0.02) -> None:
    talk.gateway.pieces = lambda said: WORDS
    talk.gateway.pause = pause


async def test_words_appear_while_they_are_made(talk: Talk) -> None:
    tell_words(talk, pause=0.04)
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    await eventually(lambda: len(talk.slack.called("chat.appendStream")) > 2, LATER)
    shown = talk.slack.world.shown("C0TEA", said.ts)
    assert WHOLE.startswith(shown.strip())
    assert shown.strip() != WHOLE
    assert await talk.answer_to(said) == WHOLE
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    assert answer.streaming == "stopped"
    assert answer.edits == 0
    (started,) = talk.slack.called("chat.startStream")
    assert started.args["recipient_user_id"] == "U0ANA"
    assert started.args["recipient_team_id"] == "T0TEAM"


async def test_a_stream_that_expires_goes_on_in_another_message(talk: Talk) -> None:
    talk.slack.world.stream_seconds = 0.5
    tell_words(talk, pause=0.04)
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert await talk.answer_to(said) == WHOLE
    answers = talk.slack.world.answers("C0TEA", said.ts)
    assert len(answers) > 1
    marks = [answer.metadata["event_payload"] for answer in answers if answer.metadata]
    assert [mark["last"] for mark in marks] == [False] * (len(answers) - 1) + [True]


async def test_a_fence_in_a_stream_that_expires(talk: Talk) -> None:
    talk.slack.world.stream_seconds = 0.4
    lines = [f"line {number}\n" for number in range(40)]
    talk.gateway.pieces = lambda said: ["Look:\n\n```python\n", *lines, "```\n", "Done."]
    talk.gateway.pause = 0.05
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    await talk.answer_to(said)
    answers = talk.slack.world.answers("C0TEA", said.ts)
    assert len(answers) > 1
    for answer in answers:
        assert answer.body.count("```") % 2 == 0
    assert all(answer.body.startswith("```python\n") for answer in answers[1:-1])
    code = [line for a in answers for line in a.body.splitlines() if line.startswith("line")]
    assert code == [line.strip() for line in lines]


@pytest.mark.parametrize(
    "method",
    [
        "chat.startStream",
        "chat.appendStream",
        "chat.stopStream",
        "conversations.replies",
        "assistant.threads.setStatus",
        "users.info",
    ],
)
async def test_too_many_requests(talk: Talk, method: str) -> None:
    first = await talk.people.say("C0TEA", f"{MENTION} first")
    await talk.answer_to(first)
    tell_words(talk)
    talk.slack.faults.add(method, Fault("ratelimited", seconds=1), Fault("ratelimited", seconds=1))
    said = await talk.people.say("C0TEA", f"<@U0BEN> {MENTION} more", thread=first.ts)
    await eventually(lambda: len(talk.gateway.bodies) == 2, LATER)
    await talk.quiet()
    shown = talk.slack.world.shown("C0TEA", said.thread_ts)
    assert shown.strip() == f"You said: first .{WHOLE}"
    assert (method, Fault("ratelimited", seconds=1)) in talk.slack.faults.happened


async def test_too_many_edits(talk: Talk) -> None:
    talk.slack.world.streams_allowed = False
    tell_words(talk, pause=0.04)
    limited = Fault("ratelimited", seconds=1)
    talk.slack.faults.add("chat.update", limited, limited, limited)
    talk.slack.faults.add("chat.postMessage", limited)
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert await talk.answer_to(said) == WHOLE
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    assert answer.edits
    assert len(talk.slack.faults.happened) == 4


async def test_where_streaming_is_not_allowed_messages_are_edited(talk: Talk) -> None:
    talk.slack.world.streams_allowed = False
    tell_words(talk, pause=0.04)
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    await eventually(lambda: bool(talk.slack.called("chat.update")), LATER)
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    assert "stop" in str(answer.blocks)
    assert await talk.answer_to(said) == WHOLE
    assert "stop" not in str(answer.blocks)
    await talk.answer_to(await talk.people.say("C0TEA", f"{MENTION} again"))
    assert len(talk.slack.called("chat.startStream")) == 1  # it is not tried again


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["abort", "status"])
@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_a_response_that_is_lost(talk: Talk, method: str, kind: str, when: str) -> None:
    """Whether Slack did what was asked is not known; the words are there once nevertheless."""
    tell_words(talk)
    talk.slack.faults.add(method, Fault(kind, when=when))  # type: ignore[arg-type]
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert await talk.answer_to(said) == WHOLE
    assert len(talk.slack.faults.happened) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_post_that_is_lost(talk: Talk, when: str) -> None:
    talk.slack.world.streams_allowed = False
    tell_words(talk)
    talk.slack.faults.add("chat.postMessage", Fault("abort", when=when))  # type: ignore[arg-type]
    talk.slack.faults.add("chat.update", Fault("abort", when=when))  # type: ignore[arg-type]
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert await talk.answer_to(said) == WHOLE
    assert len(talk.slack.world.answers("C0TEA", said.ts)) == 1


async def test_an_answer_of_sixty_thousand_characters(talk: Talk) -> None:
    paragraphs = [f"Paragraph {number}: " + "tea and salt, " * 20 + "\n\n" for number in range(200)]
    whole = "".join(paragraphs)
    assert len(whole) > 58_000
    talk.gateway.pieces = lambda said: paragraphs
    talk.gateway.pause = 0.01
    said = await talk.people.say("C0TEA", f"{MENTION} all of it")
    shown = await talk.answer_to(said)
    assert shown.split() == whole.split()
    answers = talk.slack.world.answers("C0TEA", said.ts)
    assert len(answers) >= 5
    assert all(len(answer.body) <= 12_000 for answer in answers)


@pytest.mark.parametrize("streams", [True, False])
async def test_a_long_answer_in_messages_that_are_edited(talk: Talk, streams: bool) -> None:
    """`chat.update` takes 4,000 characters of text, the blocks beside it 12,000."""
    talk.slack.world.streams_allowed = streams
    talk.slack.world.stream_seconds = 0.5
    words = [f"salt{number} & tea, " * 60 for number in range(15)]
    talk.gateway.pieces, talk.gateway.pause = lambda said: words, 0.04
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    assert (await talk.answer_to(said)).split() == "".join(words).split()
    assert any(len(call.args["text"]) > 3_000 for call in talk.slack.called("chat.update"))


async def test_no_sign_of_life_but_a_message(talk: Talk) -> None:
    talk.slack.faults.lasting["assistant.threads.setStatus"] = Fault("error", "not_allowed")
    talk.gateway.pieces = lambda said: WORDS
    talk.gateway.pause = 0.05
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    await eventually(lambda: bool(talk.slack.world.answers("C0TEA", said.ts)), LATER)
    (waiting,) = talk.slack.world.answers("C0TEA", said.ts)
    assert "Thinking" in str(waiting.blocks)
    assert await talk.answer_to(said) == WHOLE
    assert "Thinking" not in str(waiting.blocks)
