"""The gateway's faults: resumed, invalidated, broken and repeated sessions answer each once."""

import asyncio
import time

import pytest
from discord_wire.bot_run import Runner, finished
from discord_wire.server import DiscordServer
from fake_gateway import FakeGateway

from onbrand.errors import OnbrandError, UsageError

pytestmark = pytest.mark.anyio


async def test_the_same_message_delivered_again_is_answered_once(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        server.do(lambda: server.gateway.repeat(2))
        await server.until(lambda: finished(server.replies(question)))
        server.do(lambda: server.gateway.repeat(1))
        server.do(server.gateway.abort)
        await server.until(lambda: "RESUMED" in server.gateway.log)
        server.do(lambda: server.gateway.repeat(1))
    async with runner.bot():  # after a restart, delivered as new and read by catching up
        server.do(lambda: server.ana.say(server.other, f"{server.mention} again"))
        await server.until(lambda: finished(server.shown(server.other)))
        for session in list(server.gateway.sessions.values()):
            server.do(lambda s=session: server.gateway._dispatch(s, "MESSAGE_CREATE", question))
        last = server.do(lambda: server.ana.say(server.channel, f"{server.mention} last"))
        await server.until(lambda: finished(server.replies(last)))
    assert engine.asked() == ["hello", "again", "last"]
    assert len(server.shown(server.channel)) == 2


async def test_a_broken_connection_is_resumed_within_three_seconds_and_nothing_is_missed(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot() as running:
        assert running.bot.connected()
        broken_at = time.monotonic()
        server.do(server.gateway.abort)
        questions = [
            server.do(lambda n=n: server.ana.say(server.channel, f"{server.mention} while {n}"))
            for n in range(5)
        ]
        await server.until(lambda: "RESUMED" in server.gateway.log)
        assert time.monotonic() - broken_at < 3
        for question in questions:
            await server.until(lambda q=question: finished(server.replies(q)))
    assert sorted(engine.asked()) == [f"while {n}" for n in range(5)]
    assert server.gateway.log.count("IDENTIFY") == 1


async def test_discords_wish_to_reconnect_is_followed_by_a_resume(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        server.do(server.gateway.ask_to_reconnect)
        await server.until(lambda: "RESUMED" in server.gateway.log)
        server.do(lambda: server.gateway.close(4000))
        await server.until(lambda: server.gateway.log.count("RESUMED") == 2)
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.replies(question)))
    assert server.gateway.log.count("IDENTIFY") == 1


async def test_what_was_said_while_a_session_was_lost_is_read_from_the_channels(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        dm = server.do(server.ana.dm)
        before = server.do(lambda: server.ana.say(dm, "before"))
        await server.until(lambda: finished(server.replies(before)))
        server.do(server.gateway.forget)
        lost = [
            server.do(lambda: server.ana.say(dm, "in the dm")),
            server.do(lambda: server.ben.say(server.other, f"{server.mention} elsewhere")),
        ]
        server.do(lambda: server.ben.say(server.other, "not to the bot"))
        for question in lost:
            await server.until(lambda q=question: finished(server.replies(q)), 40)
        # discord.py waits five seconds before it identifies anew, as Discord asks.
        assert server.gateway.log.count("IDENTIFY") == 2
    assert sorted(engine.asked()) == ["before", "elsewhere", "in the dm"]
    assert len(server.shown(dm)) == 2


async def test_what_was_said_while_the_process_was_down_is_answered_at_its_start(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        known = server.do(lambda: server.ana.say(server.channel, f"{server.mention} known"))
        await server.until(lambda: finished(server.replies(known)))
    down = server.do(lambda: server.ana.say(server.channel, f"{server.mention} while down"))
    gone = server.do(lambda: server.ana.say(server.channel, f"{server.mention} deleted"))
    server.do(lambda: server.ana.delete(gone))
    async with runner.bot():
        await server.until(lambda: finished(server.replies(down)))
    assert engine.asked() == ["known", "while down"]


async def test_a_gateway_that_is_not_there_at_first_is_tried_again(
    server: DiscordServer, engine: FakeGateway, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    server.gateway.refuse_connections = True

    async def open_soon() -> None:
        await asyncio.sleep(0.5)
        server.gateway.refuse_connections = False

    opening = asyncio.create_task(open_soon())
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.replies(question)))
    await opening
    lines = [each for each in caplog.records if "Attempting a reconnect" in each.getMessage()]
    assert lines
    assert all(each.exc_info is None and "503" in each.getMessage() for each in lines)


async def test_when_the_address_of_the_session_is_gone_the_usual_one_is_tried(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot():
        server.gateway.refuse_resumes = True
        server.do(server.gateway.abort)
        await server.until(lambda: "RESUMED" in server.gateway.log, 60)
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.replies(question)))


async def test_the_gateway_address_can_be_set_and_otherwise_is_asked(
    server: DiscordServer,
    engine: FakeGateway,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with runner.bot():
        pass
    assert server.limits.calls("GET /gateway/bot")
    server.limits.log.clear()
    monkeypatch.setenv("ONBRAND_DISCORD_BASE_URL", server.rest_url)
    monkeypatch.setenv("ONBRAND_DISCORD_GATEWAY_URL", server.gateway_url)
    async with runner.bot(base_url='"http://127.0.0.1:9/api/v10"'):
        pass
    assert not server.limits.calls("GET /gateway/bot")


async def test_a_wrong_token_or_intent_is_said_in_a_sentence(
    server: DiscordServer,
    engine: FakeGateway,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.gateway.application["flags"] = 0
    with pytest.raises(UsageError, match="switch on Message Content Intent"):
        async with runner.bot():
            pass
    async with runner.bot(message_content="false"):
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.replies(question)))
    assert not server.gateway.identified["intents"] & 1 << 15
    monkeypatch.setenv("DISCORD_BOT_TOKEN", "wrong")
    with pytest.raises(UsageError, match="does not know the token in DISCORD_BOT_TOKEN") as error:
        async with runner.bot():
            pass
    assert "wrong" not in str(error.value)
    monkeypatch.delenv("DISCORD_BOT_TOKEN")
    with pytest.raises(UsageError, match="DISCORD_BOT_TOKEN is not set"):
        async with runner.bot():
            pass


async def test_a_token_that_is_revoked_ends_the_bot(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    async with runner.bot() as running:
        server.do(lambda: server.gateway.close(4004))
        with pytest.raises(OnbrandError, match="does not know the token"):
            await running.bot.wait()


async def test_heartbeats_are_sent_and_a_dead_connection_is_noticed(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    server.gateway.heartbeat_ms = 200
    async with runner.bot():
        beats = server.gateway.beats
        await server.until(lambda: server.gateway.beats >= beats + 3)
