"""The slash command, the message shortcut, assistant threads."""

import pytest
from slack_talk import LATER, Talk
from slack_wire.faults import Fault
from slack_wire.workspace import MENTION, eventually

pytestmark = pytest.mark.anyio


async def test_ask(talk: Talk) -> None:
    envelope, hook = await talk.people.command("C0TEA", "ask what is tea?")
    await envelope.acknowledged()
    assert envelope.ack == {"text": "One moment …", "response_type": "ephemeral"}
    await eventually(lambda: hook in talk.slack.world.hooks, LATER)
    (said,) = talk.slack.world.hooks[hook]
    assert said["response_type"] == "ephemeral"
    assert said["replace_original"] is True
    assert said["blocks"][0] == {"type": "markdown", "text": "You said: what is tea? ."}
    assert not talk.slack.world.answers("C0TEA")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("write instagram our spring tea", "spring tea"),
        ("voice We sell tea.", "Say this in our voice"),
        ("what do you sell?", "what do you sell?"),
    ],
)
async def test_what_a_command_asks(talk: Talk, text: str, asked: str) -> None:
    _, hook = await talk.people.command("C0TEA", text)
    await eventually(lambda: hook in talk.slack.world.hooks, LATER)
    assert asked in talk.gateway.asked()[0]


async def test_what_stands_in_a_command(talk: Talk) -> None:
    """With `should_escape` Slack writes people, channels and `&` as in messages."""
    _, hook = await talk.people.command("C0TEA", "ask is <@U0BEN|ben> in <#C0TEA|tea> &amp; &lt;3?")
    await eventually(lambda: hook in talk.slack.world.hooks, LATER)
    assert talk.gateway.asked() == ["is @ben in #tea & <3?"]


async def test_another_try_at_a_command(talk: Talk) -> None:
    talk.gateway.mode = "empty"
    _, hook = await talk.people.command("C0TEA", "ask what is tea?")
    await eventually(lambda: hook in talk.slack.world.hooks, LATER)
    await talk.quiet()
    (button,) = talk.slack.world.hooks[hook][0]["blocks"][-1]["elements"]
    assert button["action_id"] == "retry"
    talk.gateway.mode = "well"
    receipt = await talk.desk.retry(button["value"], "U0ANA")
    assert receipt.accepted
    await talk.quiet()
    assert "what is tea?" in talk.slack.world.hooks[hook][1]["blocks"][0]["text"]


async def test_a_response_url_that_is_limited(talk: Talk) -> None:
    """The bot may be in no channel where a command is given: nothing else would do."""
    talk.slack.world.channels["C0TEA"].member = False
    talk.slack.faults.add("response_url", Fault("ratelimited", seconds=1))
    _, hook = await talk.people.command("C0TEA", "ask what is tea?")
    await eventually(lambda: hook in talk.slack.world.hooks, LATER)
    (said,) = talk.slack.world.hooks[hook]
    assert said["blocks"][0]["text"] == "You said: what is tea? ."


async def test_commands_with_the_same_trigger(talk: Talk) -> None:
    reader = talk.bot.platform.reader
    payload = {"team_id": "T", "channel_id": "C", "user_id": "U", "trigger_id": "1"}
    one, again, other = (
        reader.command(payload | {"text": text}, "ask", text) for text in ("a", "a", "b")
    )
    assert one.id == again.id
    assert one.id != other.id


@pytest.mark.parametrize("text", ["help", ""])
async def test_help(talk: Talk, text: str) -> None:
    envelope, _ = await talk.people.command("C0TEA", text)
    await envelope.acknowledged()
    assert "/onbrand write" in envelope.ack["text"]
    assert "*Saltmarsh*" in envelope.ack["text"]
    assert not talk.gateway.bodies


async def test_an_answer_that_does_not_fit_into_five_messages(talk: Talk) -> None:
    paragraphs = [f"{number} " + "tea " * 900 + "\n\n" for number in range(20)]
    talk.gateway.pieces = lambda said: paragraphs
    _, hook = await talk.people.command("C0TEA", "ask all")
    await eventually(lambda: bool(talk.slack.world.ephemerals), LATER)
    await talk.quiet()
    pieces = [said["blocks"][0]["text"] for said in talk.slack.world.hooks[hook]]
    pieces += [said["body"] for said in talk.slack.world.ephemerals]
    assert len(pieces) > 5
    assert "".join(pieces).split() == "".join(paragraphs).split()


async def test_thumbs_below_a_command(talk: Talk) -> None:
    _, hook = await talk.people.command("C0TEA", "ask what is tea?")
    await eventually(lambda: hook in talk.slack.world.hooks, LATER)
    await talk.quiet()
    button = talk.slack.world.hooks[hook][0]["blocks"][-1]["elements"][0]["positive_button"]
    rating, _, message = button["value"].partition(" ")
    receipt = await talk.desk.feedback(message, "U0ANA", "up")
    assert (rating, receipt.accepted) == ("up", True)


async def test_the_shortcut_opens_a_window_that_fills(talk: Talk) -> None:
    talk.gateway.pieces = lambda said: [f"word{number} " for number in range(30)]
    talk.gateway.pause = 0.1
    said = await talk.people.say("C0TEA", "We *sell* tea", user="U0BEN")
    envelope, _ = await talk.people.shortcut(said, "rewrite")
    await envelope.acknowledged()
    await eventually(lambda: bool(talk.slack.world.views), LATER)
    views = talk.slack.world.views
    await eventually(lambda: "word1" in str(views), LATER)
    await talk.quiet()
    (view,) = views.values()
    assert view["blocks"][0]["text"]["text"] == " ".join(f"word{n}" for n in range(30)) + " "
    assert "We **sell** tea" in talk.gateway.asked()[0]


async def test_the_shortcut_when_no_window_opens(talk: Talk) -> None:
    talk.slack.faults.add("views.open", Fault("error", "expired_trigger_id"))
    said = await talk.people.say("C0TEA", "We sell tea", user="U0BEN")
    _, hook = await talk.people.shortcut(said, "rewrite")
    await eventually(lambda: hook in talk.slack.world.hooks, LATER)


async def test_a_long_text_in_a_window(talk: Talk) -> None:
    talk.gateway.pieces = lambda said: ["tea " * 2000]
    said = await talk.people.say("C0TEA", "We sell tea", user="U0BEN")
    await talk.people.shortcut(said, "rewrite")
    await eventually(lambda: "tea tea" in str(talk.slack.world.views), LATER)
    await talk.quiet()
    (view,) = talk.slack.world.views.values()
    assert (
        "".join(b["text"]["text"] for b in view["blocks"] if b["type"] == "section")
        == "tea " * 2000
    )


async def test_an_assistant_thread(talk: Talk) -> None:
    root = await talk.people.open_assistant("D0ANA")
    await eventually(lambda: bool(talk.slack.world.prompts), LATER)
    (prompts,) = talk.slack.world.prompts
    assert prompts["thread_ts"] == root.ts
    assert prompts["prompts"][1] == {
        "title": "What do you stand for?",
        "message": "What do you stand for?",
    }
    said = await talk.people.say("D0ANA", "hello", thread=root.ts)
    assert (await talk.answer_to(said)).endswith("You said: hello .")
    (status,) = [s for s in talk.slack.world.statuses if s["status"]]
    assert status["thread_ts"] == root.ts


@pytest.mark.parametrize("settings", ['view = "agent"'])
async def test_an_agents_messages_tab(talk: Talk) -> None:
    event = {"type": "app_home_opened", "user": "U0ANA", "channel": "D0ANA", "tab": "messages"}
    await talk.people.event(event)
    await eventually(lambda: bool(talk.slack.world.prompts), LATER)
    assert "thread_ts" not in talk.slack.world.prompts[0]


async def test_events_that_nobody_asked_for_are_acknowledged(talk: Talk) -> None:
    for kind in ("channel_rename", "assistant_thread_context_changed", "app_home_opened"):
        envelope = await talk.people.event({"type": kind, "channel": "C0TEA"})
        await envelope.acknowledged()
    said = await talk.people.say("C0TEA", "", subscribed=False)
    said.subtype = "channel_join"
    (envelope,) = await talk.people.deliver(said)
    await envelope.acknowledged()
    assert MENTION not in str(talk.gateway.bodies)
