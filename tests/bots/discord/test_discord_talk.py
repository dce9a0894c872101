"""Whom the bot answers in Discord, where, and what it remembers."""

import pytest
from discord_wire.bot_run import Runner, answer_text, finished, labels
from discord_wire.limits import Trouble
from discord_wire.server import DiscordServer
from fake_gateway import FakeGateway

pytestmark = pytest.mark.anyio


async def test_a_mention_is_answered_with_a_reply(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        question = server.do(
            lambda: server.ana.say(server.channel, f"{server.mention} What is in your chai?")
        )
        await server.until(lambda: finished(server.replies(question)))
        (answer,) = server.replies(question)
        await server.until(lambda: len(answer["reactions"]) == 2)
    assert answer["content"] == "You said: What is in your chai? ."
    assert [each["emoji"]["name"] for each in answer["reactions"]] == ["👍", "👎"]
    assert engine.asked() == ["What is in your chai?"]
    assert engine.headers[0]["X-Onbrand-User"] == f"discord:{server.guild['id']}:{server.ana.id}"
    assert server.gateway.identified["intents"] == sum(1 << bit for bit in (0, 9, 10, 12, 13, 15))


async def test_a_dm_is_answered_and_its_channel_is_the_memory(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    dm = server.do(server.ana.dm)
    for run in range(2):  # the second bot knows nothing but what Discord keeps
        async with runner.bot():
            said = server.do(lambda run=run: server.ana.say(dm, f"question {run}"))
            await server.until(lambda said=said: finished(server.replies(said)))
    assert [each["content"] for each in engine.bodies[1]["messages"]] == [
        "question 0",
        "You said: question 0 .",
        "question 1",
    ]


async def test_a_reply_needs_no_mention_and_brings_its_chain(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        text, chain = f"{server.mention} one", []
        replied = None
        for number in range(4):
            said = server.do(
                lambda text=text, to=replied: server.ana.say(
                    server.channel, text, reply_to=to, ping=False
                )
            )
            await server.until(lambda said=said: finished(server.replies(said)))
            (replied,) = server.replies(said)
            text = f"and {number}?"
            chain.append(replied["content"])
    roles = [each["role"] for each in engine.bodies[-1]["messages"]]
    assert roles == ["user", "assistant"] * 3 + ["user"]
    assert [each["content"] for each in engine.bodies[-1]["messages"]][1::2] == chain[:3]


async def test_a_reply_to_what_the_event_does_not_show_is_looked_up(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    server.world.bare_references = True
    async with runner.bot():
        first = server.do(lambda: server.ana.say(server.channel, f"{server.mention} one"))
        await server.until(lambda: finished(server.replies(first)))
    async with runner.bot():  # which has no message in its cache
        (answer,) = server.replies(first)
        second = server.do(
            lambda: server.ana.say(server.channel, "two", reply_to=answer, ping=False)
        )
        await server.until(lambda: finished(server.replies(second)))
    contents = [each["content"] for each in engine.bodies[-1]["messages"]]
    assert contents == ["one", "You said: one .", "two"]


async def test_a_long_talk_moves_to_a_thread_and_goes_on_there_without_mentions(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot(threads="true", thread_after="2"):
        replied = None
        for text in (f"{server.mention} one", "two", "three"):
            said = server.do(
                lambda text=text, to=replied: server.ana.say(server.channel, text, reply_to=to)
            )
            if text == "three":
                break
            await server.until(lambda said=said: finished(server.replies(said)))
            (replied,) = server.replies(said)
        thread = await server.until(lambda: server.world.channels.get(said["id"]))
        await server.until(lambda: finished(server.shown(thread)))
        assert thread["name"] == "three"
        assert thread["parent_id"] == server.channel["id"]
        server.do(lambda: server.ben.say(thread, "four"))
        await server.until(lambda: len(engine.bodies) == 4)
        await server.until(lambda: len(server.shown(thread)) == 2)
    contents = [each["content"] for each in engine.bodies[-1]["messages"]]
    assert contents[0] == "Ana: one"
    assert contents[-1] == "Ben: four"
    assert contents[1::2] == ["You said: one .", "You said: two .", "You said: three ."]


async def test_what_is_not_said_to_it_is_not_answered(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    other_bot = server.world.add_user("Other bot", bot=True)
    async with runner.bot():

        def chatter() -> None:
            server.ana.say(server.channel, "nobody is named")
            server.ana.say(server.channel, "@everyone look here")
            server.ben.say(server.channel, f"a role, <@&{server.guild['id']}>")
            body = {"content": f"{server.mention} from a bot"}
            from discord_wire import messages

            messages.post(server.world, other_bot, server.channel, body)

        server.do(chatter)
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} last"))
        await server.until(lambda: finished(server.replies(question)))
    assert engine.asked() == ["last"]
    assert len(server.shown(server.channel)) == 1


async def test_each_server_has_its_own_settings(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    second = server.world.add_guild("Second", server.ana.user, server.bot)
    there = server.world.add_channel(second, "there")
    silent = server.world.add_channel(second, "silent")
    server.world.join(second, server.ben.user)
    guilds = (
        f'{{"{second["id"]}" = {{channels = ["{there["id"]}"], '
        f'personas = {{"{there["id"]}" = "Be brief."}}}}}}'
    )
    async with runner.bot(guilds=guilds):
        server.do(lambda: server.ben.say(silent, f"{server.mention} not here"))
        first = server.do(lambda: server.ben.say(there, f"{server.mention} here"))
        other = server.do(lambda: server.ana.say(server.channel, f"{server.mention} and here"))
        await server.until(lambda: finished(server.replies(first)))
        await server.until(lambda: finished(server.replies(other)))
    assert sorted(engine.asked()) == ["and here", "here"]
    by_question = {body["messages"][-1]["content"]: body["messages"] for body in engine.bodies}
    assert by_question["here"][0] == {"role": "system", "content": "Be brief."}
    assert len(by_question["and here"]) == 1


async def test_a_press_that_could_not_be_confirmed_stops_the_answer_all_the_same(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.mode = "stall"
    server.limits.troubles.append(Trouble(r"/callback$", 503))
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} long?"))
        (answer,) = await server.until(lambda: server.replies(question))
        server.do(lambda: server.ana.click(answer, "Stop"))
        await server.until(lambda: finished([answer]))
    assert engine.abandoned == 1


async def test_the_asker_stops_an_answer_by_button_or_word_and_nobody_else_can(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.mode = "stall"
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} long?"))
        (answer,) = await server.until(lambda: server.replies(question))
        assert labels(answer) == ["Stop"]
        press = server.do(lambda: server.ben.click(answer, "Stop"))
        await server.until(lambda: press["followups"])
        assert press["followups"][0]["flags"] == 64
        assert engine.running == 1
        server.do(lambda: server.ana.click(answer, "Stop"))
        await server.until(lambda: finished([answer]))
        assert engine.running == 0
        assert answer["content"] == "You said\n-# Stopped."

        dm = server.do(server.ana.dm)
        asked = server.do(lambda: server.ana.say(dm, "long again?"))
        (answer,) = await server.until(lambda: server.replies(asked))
        server.do(lambda: server.ana.say(dm, "Stop!"))
        await server.until(lambda: finished([answer]))
    assert len(engine.bodies) == 2


async def test_a_question_changed_while_it_is_answered_is_answered_anew(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.mode = "stall"
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} blak tea?"))
        await server.until(lambda: server.replies(question))
        engine.mode = "well"
        server.do(lambda: server.ana.edit(question, f"{server.mention} black tea?"))
        await server.until(
            lambda: len(server.replies(question)) == 2 and finished(server.replies(question))
        )
        answers = server.replies(question)
    assert answer_text(answers[1:]) == "You said: black tea? ."
    assert engine.asked() == ["blak tea?", "black tea?"]


async def test_thumbs_of_people_are_feedback(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot(thumbs="false"):
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.replies(question)))
        (answer,) = server.replies(question)
        server.do(lambda: server.ana.react(answer, "👍🏽"))
        server.do(lambda: server.ben.react(answer, "👎"))
        server.do(lambda: server.ben.react(answer, "🍵"))
        await server.until(lambda: len(engine.feedback) == 2)
    assert not server.limits.calls("PUT .*reactions")
    assert {each["rating"] for each in engine.feedback} == {"up", "down"}
    assert {each["request_id"] for each in engine.feedback} == {engine.headers[0]["X-Request-Id"]}


async def test_text_files_are_read_images_and_voice_get_a_sentence(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        dm = server.do(server.ana.dm)
        file = ("menu.txt", b"Kashmiri chai, 3 euros", "text/plain; charset=utf-8")
        asked = server.do(lambda: server.ana.say(dm, "What does chai cost?", files=[file]))
        await server.until(lambda: finished(server.replies(asked)))
        assert "Kashmiri chai, 3 euros" in engine.asked()[0]
        note = ("voice-message.ogg", b"OggS", "audio/ogg")
        spoken = server.do(lambda: server.ana.say(dm, "", files=[note], flags=8192))
        await server.until(lambda: finished(server.replies(spoken)))
        (answer,) = server.replies(spoken)
    assert "voice" in answer["content"]
    assert len(engine.bodies) == 1
