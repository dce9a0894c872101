"""Slack says 429 to the first call of every single method; all is done nevertheless."""

import pytest
from slack_talk import LATER, StartBot
from slack_wire.faults import Fault
from slack_wire.server import SlackServer
from slack_wire.workspace import MENTION, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

USED = {
    "apps.connections.open",
    "assistant.threads.setStatus",
    "assistant.threads.setSuggestedPrompts",
    "auth.test",
    "chat.appendStream",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.startStream",
    "chat.stopStream",
    "chat.update",
    "conversations.history",
    "conversations.replies",
    "users.info",
    "views.open",
    "views.update",
}


async def test_every_method_is_limited(slack: SlackServer, start: StartBot) -> None:
    slack.faults.first_of_each = Fault("ratelimited", seconds=1)
    async with start() as talk:
        talk.gateway.pause = 0.3
        said = await talk.people.say("C0TEA", f"{MENTION} one two three four five six")
        assert await talk.answer_to(said) == "You said: one two three four five six ."
        await talk.people.say("C0TEA", "and a word <@U0BEN>", thread=said.ts)
        await eventually(lambda: "and a word @" in slack.world.shown("C0TEA", said.ts), LATER)
        direct = await talk.people.say("D0ANA", "hello there, all of you")
        assert await talk.answer_to(direct) == "You said: hello there, all of you ."
        slack.world.streams_allowed = False
        edited = await talk.people.say("D0ANA", "and once more in an edited message")
        assert (await talk.answer_to(edited)).endswith("in an edited message .")
        await talk.people.open_assistant("D0ANA")
        await eventually(lambda: bool(slack.world.prompts), LATER)
        for number in range(2):  # a window that does not open at once is answered elsewhere
            await talk.people.shortcut(said, "rewrite")
            here = slack.world.hooks if number == 0 else slack.world.views
            await eventually(lambda where=here: "You said" in str(where), LATER)
        await talk.quiet()
        (answer,) = slack.world.answers("D0ANA", direct.ts)
        await talk.people.rate(answer, up=True)
        await eventually(lambda: bool(slack.world.ephemerals), LATER)
    limited = {method for method, _ in slack.faults.happened}
    assert limited - {"response_url"} == {call.method for call in slack.calls} == USED
