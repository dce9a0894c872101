"""Answers that end early: stopped, changed, deleted, failed; and what is offered then."""

import pytest
from slack_talk import LATER, Talk
from slack_wire.faults import Fault
from slack_wire.workspace import MENTION, eventually
from slack_wire.world import Message

pytestmark = pytest.mark.anyio


async def begun(talk: Talk, channel: str = "C0TEA") -> Message:
    """An answer that goes on for long."""
    talk.gateway.pieces = lambda said: [f"{word} " for word in [*said.split(), *"x" * 2000]]
    talk.gateway.pause = 0.05
    said = await talk.people.say(channel, f"{MENTION} go")
    await eventually(lambda: bool(talk.slack.world.shown(channel, said.ts)), LATER)
    return said


async def test_slacks_own_stop_button(talk: Talk) -> None:
    said = await begun(talk)
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    await talk.people.press_stop(answer, user="U0BEN")
    await talk.quiet()
    assert "Stopped." in str(answer.blocks)
    assert len(talk.slack.world.answers("C0TEA", said.ts)) == 1
    await eventually(lambda: talk.gateway.abandoned == 1, LATER)


async def test_slacks_own_stop_button_leaves_what_waits(talk: Talk) -> None:
    said = await begun(talk)
    talk.gateway.pieces, talk.gateway.pause = lambda asked: [f"Now {asked}."], 0.0
    await talk.people.say("C0TEA", "the next", thread=said.ts)
    await eventually(lambda: talk.desk.under_way == 2, LATER)
    first = talk.slack.world.answers("C0TEA", said.ts)[0]
    await talk.people.press_stop(first)
    await talk.quiet()
    first, second = talk.slack.world.answers("C0TEA", said.ts)
    assert "Stopped." in str(first.blocks)
    assert (second.body, "Stopped." in str(second.blocks)) == ("Now the next.", False)


async def test_slacks_own_stop_button_without_an_event(talk: Talk) -> None:
    said = await begun(talk)
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    answer.streaming = "stopped_by_user"
    await talk.quiet()
    assert "Stopped." in str(answer.blocks)
    await eventually(lambda: talk.gateway.abandoned == 1, LATER)


async def test_a_bare_stop(talk: Talk) -> None:
    said = await begun(talk)
    await talk.people.say("C0TEA", "Stop!", thread=said.ts)
    await talk.quiet()
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    assert "Stopped." in str(answer.blocks)
    assert len(talk.gateway.bodies) == 1


async def test_the_stop_button_of_an_edited_message(talk: Talk) -> None:
    talk.slack.world.streams_allowed = False
    said = await begun(talk)
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    await talk.people.click(answer, "stop", user="U0BEN")
    await eventually(lambda: bool(talk.slack.world.ephemerals), LATER)
    assert "Only the person who asked" in talk.slack.world.ephemerals[0]["text"]
    await talk.people.click(answer, "stop")
    await talk.quiet()
    assert "Stopped." in str(answer.blocks)


async def test_a_question_that_is_changed(talk: Talk) -> None:
    said = await begun(talk)
    talk.gateway.pause = 0.0
    talk.gateway.pieces = lambda asked: [f"Now {asked}."]
    await talk.people.edit(said, f"{MENTION} something else")
    await eventually(lambda: "Now something else." in talk.slack.world.shown("C0TEA", said.ts), 30)
    await talk.quiet()
    first, second = talk.slack.world.answers("C0TEA", said.ts)
    assert "changed" in str(first.blocks)
    assert second.body == "Now something else."


async def test_a_link_that_slack_unfurls_changes_nothing(talk: Talk) -> None:
    said = await begun(talk)
    await talk.people.edit(said, said.text)
    answers = talk.slack.world.answers("C0TEA", said.ts)
    talk.slack.calls.clear()
    await eventually(lambda: bool(talk.slack.called("chat.appendStream")), LATER)
    assert talk.slack.world.answers("C0TEA", said.ts) == answers
    assert len(talk.gateway.bodies) == 1


async def test_a_name_that_is_learnt_late_changes_nothing(talk: Talk) -> None:
    talk.slack.faults.lasting["users.info"] = Fault("slow", seconds=0.3)
    talk.gateway.pieces, talk.gateway.pause = lambda asked: ["x "] * 200, 0.05
    said = await talk.people.say("C0TEA", f"{MENTION} ask <@U0BEN>")
    await eventually(lambda: "U0BEN" in talk.bot.platform.names, LATER)
    await eventually(lambda: bool(talk.slack.world.shown("C0TEA", said.ts)), LATER)
    await talk.people.edit(said, said.text)
    await talk.quiet()
    assert len(talk.slack.world.answers("C0TEA", said.ts)) == 1
    assert len(talk.gateway.bodies) == 1


async def test_a_question_that_is_deleted(talk: Talk) -> None:
    said = await begun(talk)
    await talk.people.delete(said)
    await talk.quiet()
    await eventually(lambda: talk.gateway.abandoned == 1, LATER)


async def test_an_error_and_another_try(talk: Talk) -> None:
    talk.gateway.mode = "error"
    said = await talk.people.say("C0TEA", f"{MENTION} go")
    await eventually(lambda: bool(talk.slack.world.answers("C0TEA", said.ts)), LATER)
    await talk.quiet()
    (failed,) = talk.slack.world.answers("C0TEA", said.ts)
    assert "secret-inside" not in str(failed)
    talk.gateway.mode = "well"
    envelope = await talk.people.click(failed, "retry")
    await eventually(lambda: "go ." in talk.slack.world.shown("C0TEA", said.ts), LATER)
    await talk.quiet()
    assert envelope.acked_after is not None
    await eventually(lambda: "retry" not in str(failed.blocks), LATER)
    again = {"action_id": "retry", "type": "button", "value": f"T0TEAM:C0TEA:{said.ts}"}
    failed.blocks = [{"type": "actions", "elements": [again]}]  # as another window still shows it
    await talk.people.click(failed, "retry")
    await eventually(lambda: bool(talk.slack.world.ephemerals), LATER)
    assert "nothing to try again" in talk.slack.world.ephemerals[0]["text"]


async def test_another_try_remembers_what_was_said_before(talk: Talk) -> None:
    """Below the question stands the failure, which does not make it a thread of its own."""
    await talk.answer_to(await talk.people.say("D0ANA", "my name is Ana"))
    talk.gateway.mode = "error"
    said = await talk.people.say("D0ANA", "what is it?")
    await eventually(lambda: bool(talk.slack.world.answers("D0ANA", said.ts)), LATER)
    await talk.quiet()
    talk.gateway.mode = "well"
    assert (await talk.desk.retry(f"T0TEAM:D0ANA:{said.ts}", "U0ANA")).accepted
    await talk.quiet()
    contents = [m["content"].strip() for m in talk.gateway.bodies[-1]["messages"]]
    assert "my name is Ana" in contents[0]
    assert contents[-1].endswith("what is it?")


@pytest.mark.parametrize("mode", ["429", "503", "empty", "cut", "html"])
async def test_the_person_is_told_in_a_sentence(talk: Talk, mode: str) -> None:
    talk.gateway.mode = mode
    talk.gateway.retry_after = "60"
    said = await talk.people.say("D0ANA", "hello")
    await eventually(lambda: bool(talk.slack.world.answers("D0ANA", said.ts)), LATER)
    await talk.quiet()
    (answer,) = talk.slack.world.answers("D0ANA", said.ts)
    assert "retry" in str(answer.blocks)
    assert "secret-inside" not in str(answer)


async def test_thumbs_reach_the_gateway(talk: Talk) -> None:
    said = await talk.people.say("C0TEA", f"{MENTION} hello")
    await talk.answer_to(said)
    (answer,) = talk.slack.world.answers("C0TEA", said.ts)
    await talk.people.rate(answer, up=False)
    await eventually(lambda: len(talk.gateway.feedback) == 1, LATER)
    assert talk.gateway.feedback[0]["rating"] == "down"
    await eventually(lambda: bool(talk.slack.world.ephemerals), LATER)
