"""Slash commands, their autocomplete, and the context menu."""

import time

import pytest
from discord_wire import permissions as bits
from discord_wire.bot_run import Runner, answer_text, finished, labels, responded
from discord_wire.server import DiscordServer
from discord_wire.world import Json
from fake_gateway import FakeGateway

from bots.conversation.wording import KINDS

pytestmark = pytest.mark.anyio


async def registered(server: DiscordServer) -> None:
    await server.until(lambda: server.world.commands.get(""))


async def test_a_command_says_thinking_at_once_and_then_the_answer(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.pause = 0.1
    async with runner.bot():
        await registered(server)
        command = server.do(
            lambda: server.ana.command(server.channel, "onbrand ask", question="What is chai?")
        )
        await server.until(lambda: command["answered_at"])
        assert command["answered_at"] - command["sent_at"] < 1
        assert command["callback"]["type"] == 5
        await server.until(lambda: responded(command))
        await server.until(lambda: len(command["original"]["reactions"]) == 2)
    assert command["original"]["content"] == "You said: What is chai? ."
    assert engine.asked() == ["What is chai?"]


async def test_commands_are_worded_for_the_model_and_kinds_are_completed(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        await registered(server)
        typing = server.do(
            lambda: server.ana.autocomplete(server.channel, "onbrand write", "kind", "insta")
        )
        await server.until(lambda: typing["choices"] is not None)
        assert [each["value"] for each in typing["choices"]] == ["instagram"]
        first = server.do(
            lambda: server.ana.command(
                server.channel, "onbrand write", about="our spring tea", kind="instagram"
            )
        )
        second = server.do(
            lambda: server.ben.command(server.channel, "onbrand voice", text="We are closed.")
        )
        for each in (first, second):
            await server.until(lambda e=each: responded(e))
        dm = server.do(server.ana.dm)
        third = server.do(lambda: server.ana.command(dm, "onbrand ask", question="in private?"))
        await server.until(lambda: responded(third))
    asked = engine.asked()
    assert any(KINDS["instagram"] in each and "our spring tea" in each for each in asked)
    assert any("We are closed." in each and "voice" in each for each in asked)
    assert "in private?" in asked


async def test_help_is_shown_to_the_person_alone(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        await registered(server)
        command = server.do(lambda: server.ana.command(server.channel, "onbrand help"))
        await server.until(lambda: command["original"])
    assert command["original"]["flags"] == 64
    assert "/onbrand write" in command["original"]["content"]
    assert not engine.bodies


async def test_a_message_is_rewritten_from_its_context_menu(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        await registered(server)
        draft = server.do(lambda: server.ben.say(server.channel, "buy our tea it is good"))
        click = server.do(lambda: server.ana.menu(draft, "Rewrite in our voice"))
        await server.until(lambda: responded(click))
        blank = server.do(
            lambda: server.ben.say(server.channel, "", files=[("a.png", b"png", "image/png")])
        )
        refused = server.do(lambda: server.ana.menu(blank, "Rewrite in our voice"))
        await server.until(lambda: refused["original"])
    assert "buy our tea it is good" in engine.asked()[0]
    assert refused["original"]["flags"] == 64
    assert len(engine.bodies) == 1


async def test_a_long_answer_to_a_command_goes_on_in_further_messages(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    words = [f"word{number} " for number in range(700)]
    engine.pieces = lambda said: words

    def whole(shown: list[Json]) -> list[Json]:
        text = " ".join(each["content"] for each in shown)
        return shown if text == "".join(words).strip() and finished(shown) else []

    async with runner.bot(thumbs="false"):
        await registered(server)
        server.do(lambda: server.ana.command(server.channel, "onbrand ask", question="all"))
        shown = await server.until(lambda: whole(server.shown(server.channel)))
        # Where it may not write by itself, it follows up through the command.
        server.do(lambda: server.world.forbid(server.other, server.guild["id"], bits.SEND_MESSAGES))
        again = server.do(lambda: server.ana.command(server.other, "onbrand ask", question="all"))
        await server.until(lambda: responded(again) and whole(server.shown(server.other)))
    assert len(again["followups"]) == len(shown) - 1 == 2


async def test_a_command_that_failed_is_tried_again_below_its_response(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.mode = "cut"
    async with runner.bot(thumbs="false"):
        await registered(server)
        command = server.do(
            lambda: server.ana.command(server.channel, "onbrand ask", question="hi")
        )
        await server.until(lambda: responded(command))
        engine.mode = "well"
        server.do(lambda: server.ana.click(command["original"], "Try again"))
        await server.until(lambda: len(server.shown(server.channel)) == 2)
        await server.until(lambda: finished(server.shown(server.channel)[1:]))
        await server.until(lambda: not labels(command["original"]))
    first, second = server.shown(server.channel)
    assert second["message_reference"]["message_id"] == first["id"]
    assert second["content"] == "You said: hi ."


async def test_a_command_where_it_may_not_answer_is_refused_in_words(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot(channels=f'["{server.other["id"]}"]'):
        await registered(server)
        command = server.do(
            lambda: server.ana.command(server.channel, "onbrand ask", question="here?")
        )
        await server.until(lambda: command["original"] and command["original"]["content"])
    assert command["original"]["content"] == "I may not answer you here."
    assert not engine.bodies


async def test_an_answer_that_outlives_the_commands_token_goes_on(
    server: DiscordServer,
    engine: FakeGateway,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import discord

    engine.pause = 0.5
    async with runner.bot(thumbs="false"):
        await registered(server)
        command = server.do(
            lambda: server.ana.command(server.channel, "onbrand ask", question="slowly")
        )
        await server.until(lambda: command["original"] and command["original"]["content"])
        command["token_seconds"] = 0
        monkeypatch.setattr(discord.Interaction, "is_expired", lambda self: True)
        await server.until(lambda: responded(command))
    assert command["original"]["content"] == "You said: slowly ."


async def test_a_command_delivered_twice_is_answered_once(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        await registered(server)
        command = server.do(
            lambda: server.ana.command(server.channel, "onbrand ask", question="once")
        )
        server.do(server.gateway.abort)
        await server.until(lambda: responded(command))
        (session,) = server.gateway.sessions.values()
        sent = {key: value for key, value in command.items() if key not in _OURS}
        server.do(lambda: server.gateway._dispatch(session, "INTERACTION_CREATE", sent))
        last = server.do(lambda: server.ana.say(server.other, f"{server.mention} last"))
        await server.until(lambda: finished(server.replies(last)))
    assert engine.asked() == ["once", "last"]
    assert answer_text(server.shown(server.channel)) == "You said: once ."
    assert labels(command["original"]) == []


_OURS = ("sent_at", "by", "answered_at", "callback", "original", "choices", "followups")


async def test_commands_that_cannot_be_registered_do_not_keep_the_bot_from_answering(
    server: DiscordServer,
    engine: FakeGateway,
    runner: Runner,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from discord_wire.limits import Trouble

    server.limits.troubles.append(
        Trouble("PUT .*/commands", 403, body={"code": 50001, "message": "Missing Access"})
    )
    started = time.monotonic()
    async with runner.bot():
        assert time.monotonic() - started < 15
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.replies(question)))
        await server.until(lambda: "could not be registered" in caplog.text)
