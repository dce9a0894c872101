"""What people say to the bot and what they see, through the real Bolt and SDK."""

import logging

import pytest
from slack_talk import LATER, StartBot, Talk
from slack_wire.faults import Fault
from slack_wire.workspace import MENTION, eventually
from slack_wire.world import BOT_USER

from bots.slack.web import LIBRARIES

pytestmark = pytest.mark.anyio


async def test_a_mention_is_answered_in_its_thread_once(talk: Talk) -> None:
    said = await talk.people.say("C0TEA", f"{MENTION} which *tea* is <https://x.org|best>?")
    assert await talk.answer_to(said) == "You said: which **tea** is [best](https://x.org)? ."
    assert len(talk.gateway.bodies) == 1  # though two events told of it
    (status,) = [s for s in talk.slack.world.statuses if s["status"]]
    assert status["thread_ts"] == said.ts
    assert status["loading_messages"][0] == "Thinking …"


async def test_a_direct_message(talk: Talk) -> None:
    said = await talk.people.say("D0ANA", "hello")
    assert await talk.answer_to(said) == "You said: hello ."


async def test_a_thread_goes_on_without_a_mention(talk: Talk) -> None:
    said = await talk.people.say("C0TEA", f"{MENTION} one")
    assert await talk.answer_to(said) == "You said: one ."
    await talk.people.say("C0TEA", "two", thread=said.ts)
    await eventually(lambda: len(talk.gateway.bodies) == 2)
    contents = [m["content"] for m in talk.gateway.bodies[1]["messages"] if m["role"] != "system"]
    assert [content.strip() for content in contents] == ["one", "You said: one .", "two"]


async def test_what_is_said_to_others_is_left_alone(talk: Talk) -> None:
    await talk.people.say("C0TEA", "hello all")
    other = await talk.people.say("C0TEA", "a thread of others")
    await talk.people.say("C0TEA", "a reply", thread=other.ts)
    said = await talk.people.say("C0TEA", f"{MENTION} now")
    assert await talk.answer_to(said) == "You said: now ."
    assert talk.gateway.asked() == ["now"]


async def test_the_memory_of_direct_messages_outside_threads(talk: Talk) -> None:
    first = await talk.people.say("D0ANA", "my name is Ana")
    assert await talk.answer_to(first) == "You said: my name is Ana ."
    await talk.people.say("D0ANA", "what is it?")
    await eventually(lambda: len(talk.gateway.bodies) == 2)
    contents = [m["content"].strip() for m in talk.gateway.bodies[1]["messages"]]
    assert contents[-3:] == ["my name is Ana", "You said: my name is Ana .", "what is it?"]


async def test_people_are_called_by_their_names(talk: Talk) -> None:
    await talk.people.say("D0ANA", "do you know <@U0BEN>?")
    await eventually(lambda: "U0BEN" in talk.bot.platform.names, LATER)
    said = await talk.people.say("C0TEA", f"{MENTION} greet <@U0BEN> in <#C0TEA|tea>")
    assert await talk.answer_to(said) == "You said: greet @Ben in #tea ."


async def test_nobody_is_called_by_the_model(talk: Talk) -> None:
    calls = f"<!channel> <!here> <@U0BEN> <!subteam^S1> @everyone @here <@{BOT_USER}>"
    talk.gateway.pieces = lambda said: [f"{word} " for word in calls.split()]
    said = await talk.people.say("C0TEA", f"{MENTION} call all")
    await eventually(lambda: bool(talk.slack.called("chat.stopStream")), LATER)
    shown = talk.slack.world.shown("C0TEA", said.ts)
    for call in calls.split():
        assert call not in shown


async def test_several_events_of_one_message(talk: Talk) -> None:
    said = await talk.people.say("C0TEA", f"{MENTION} once")
    await talk.people.deliver(said, event_id="EvSame")
    await talk.people.deliver(said, event_id="EvSame")
    await talk.people.deliver(said, event_id="EvOther")
    assert await talk.answer_to(said) == "You said: once ."
    for envelope in talk.slack.sockets.envelopes:
        await envelope.acknowledged()
    assert len(talk.gateway.bodies) == 1


async def test_one_answer_before_and_after_a_restart(start: StartBot) -> None:
    async with start() as talk:
        said = await talk.people.say("C0TEA", f"{MENTION} once")
        assert await talk.answer_to(said) == "You said: once ."
    async with start() as talk:
        for event_id in ("EvAfter1", "EvAfter2", "EvAfter2"):
            await talk.people.deliver(said, event_id=event_id)
        other = await talk.people.say("C0TEA", f"{MENTION} again")
        assert await talk.answer_to(other) == "You said: again ."
        assert talk.gateway.asked() == ["once", "again"]
        assert talk.slack.world.shown("C0TEA", said.ts).strip() == "You said: once ."


async def test_what_was_said_during_a_downtime(start: StartBot) -> None:
    async with start() as talk:
        said = await talk.people.say("C0TEA", f"{MENTION} one")
        assert await talk.answer_to(said) == "You said: one ."
        people = talk.people
    unheard = await people.say("C0TEA", f"{MENTION} two")
    people.server.sockets.forget()  # Slack gave up
    async with start() as talk:
        assert await talk.answer_to(unheard) == "You said: two ."
        assert talk.gateway.asked() == ["one", "two"]


async def test_a_file_beside_the_question(talk: Talk) -> None:
    talk.slack.world.files["F1"] = b"Our tea is green."
    file = {
        "id": "F1",
        "name": "tea.txt",
        "mimetype": "text/plain",
        "size": 17,
        "url_private": f"{talk.slack.root}/files/F1",
    }
    await talk.people.say("D0ANA", "what colour?", files=[file])
    await eventually(lambda: len(talk.gateway.bodies) == 1)
    assert "Our tea is green." in str(talk.gateway.bodies[0]["messages"])


async def test_a_file_without_the_scope(talk: Talk) -> None:
    scopes = talk.slack.world.scopes.split(",")
    talk.slack.world.scopes = ",".join(scope for scope in scopes if scope != "files:read")
    talk.slack.world.files["F1"] = b"Our tea is green."
    url = f"{talk.slack.root}/files/F1"
    file = {"id": "F1", "name": "tea.txt", "mimetype": "text/plain", "size": 17, "url_private": url}
    said = await talk.people.say("D0ANA", "what colour?", files=[file])
    await eventually(lambda: bool(talk.slack.called("chat.stopStream")), LATER)
    assert "DOCTYPE" not in str(talk.gateway.bodies)
    (answer,) = talk.slack.world.answers("D0ANA", said.ts)
    assert "files:read" in str(answer.blocks)


async def test_bolt_sets_the_levels_of_its_own_loggers_alone(talk: Talk) -> None:
    await talk.answer_to(await talk.people.say("C0TEA", f"{MENTION} go"))
    assert logging.getLogger("onbrand").level < LIBRARIES.level


async def test_the_order_is_kept_while_a_name_is_asked_for(talk: Talk) -> None:
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    await talk.answer_to(said)
    await eventually(lambda: "U0ANA" in talk.bot.platform.names, LATER)
    talk.slack.faults.lasting["users.info"] = Fault("slow", seconds=0.02)
    await talk.people.say("C0TEA", "first, for <@U0BEN>", thread=said.ts)
    await talk.people.say("C0TEA", "second", thread=said.ts)
    await eventually(lambda: len(talk.gateway.bodies) == 3, LATER)
    await talk.quiet()
    first, second = talk.gateway.asked()[1:]
    assert first == "first, for @Ben"
    assert second.endswith("second")


async def test_people_whom_slack_does_not_know_are_asked_for_once(talk: Talk) -> None:
    for number in range(3):
        said = await talk.people.say("C0TEA", f"{MENTION} greet <@U0NOBODY> {number}")
        assert await talk.answer_to(said) == f"You said: greet @someone {number} ."
    asked = [call.args["user"] for call in talk.slack.called("users.info")]
    assert asked.count("U0NOBODY") == 1
