"""What Discord refuses: deleted messages, missing permissions, forms it finds invalid."""

import logging

import pytest
from discord_wire import permissions as bits
from discord_wire.bot_run import Runner, answer_text, finished, responded
from discord_wire.limits import Trouble
from discord_wire.server import DiscordServer
from fake_gateway import FakeGateway

pytestmark = pytest.mark.anyio
POST = r"POST /channels/\d+/messages$"
EDIT = r"PATCH /channels/\d+/messages/\d+$"


async def test_a_question_deleted_before_the_first_word_gets_no_answer(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.mode = "silent"
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: engine.bodies)
        server.do(lambda: server.ana.delete(question))
        await server.until(lambda: not engine.running)
    assert not server.shown(server.channel)


async def test_a_question_deleted_while_it_is_answered_ends_the_answer(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.mode = "stall"
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: server.replies(question))
        server.do(lambda: server.ana.delete(question))
        await server.until(lambda: finished(server.shown(server.channel)))
    (answer,) = server.shown(server.channel)
    assert answer["content"].startswith("You said\n-# ")
    assert engine.abandoned == 1


async def test_an_answer_whose_question_is_gone_is_posted_without_reference(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    """Discord's 50035, although the reply allows it to be gone."""
    errors = {
        "message_reference": {
            "_errors": [{"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}]
        }
    }
    body = {"code": 50035, "message": "Invalid Form Body", "errors": errors}
    server.limits.troubles.append(Trouble(POST, 400, body=body))
    async with runner.bot():
        server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: finished(server.shown(server.channel)))
    (answer,) = server.shown(server.channel)
    assert answer["content"] == "You said: hello ."
    first, second = server.limits.calls(POST)
    assert first.body["message_reference"]["fail_if_not_exists"] is False
    assert "message_reference" not in second.body


async def test_an_answer_that_a_moderator_deletes_does_not_come_back(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    engine.pieces = lambda said: [f"word{number} " for number in range(400)]
    engine.pause = 0.01
    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        (answer,) = await server.until(lambda: server.replies(question))
        server.do(lambda: server.ben.delete(answer))
        await server.until(lambda: not engine.running)
        assert engine.abandoned == 1
        engine.pieces = lambda said: ["Hello."]
        next_one = server.do(lambda: server.ana.say(server.other, f"{server.mention} hello"))
        await server.until(lambda: server.replies(next_one))
    assert not server.shown(server.channel)


@pytest.mark.parametrize("times", [1, 1000])
async def test_edits_that_are_refused_lose_nothing(
    server: DiscordServer, engine: FakeGateway, runner: Runner, times: int
) -> None:
    """Once, or for good: then the whole answer stands in new messages, and the old are gone."""
    engine.pieces = lambda said: [f"word{number} " for number in range(600)]
    engine.pause = 0.005
    body = {"code": 50035, "message": "Invalid Form Body"}
    server.limits.troubles.append(Trouble(EDIT, 400, times=times, body=body))
    whole = "".join(f"word{number}" for number in range(600))

    def shown() -> str:
        return "".join(answer_text(server.shown(server.channel)).split())

    async with runner.bot():
        question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        await server.until(lambda: shown() == whole, 60)
    assert shown() == whole
    assert server.limits.calls(EDIT)
    assert server.replies(question)


@pytest.mark.parametrize("lacking", [bits.SEND_MESSAGES, bits.READ_MESSAGE_HISTORY])
async def test_without_permission_in_a_channel_the_asker_is_told_by_dm_once(
    server: DiscordServer,
    engine: FakeGateway,
    runner: Runner,
    caplog: pytest.LogCaptureFixture,
    lacking: int,
) -> None:
    server.world.forbid(server.channel, server.guild["id"], lacking)
    async with runner.bot():
        for number in range(3):
            server.do(lambda n=number: server.ana.say(server.channel, f"{server.mention} {n}"))
        await server.until(lambda: len(engine.bodies) == 3 and not engine.running)
        if lacking == bits.READ_MESSAGE_HISTORY:
            # It may not reply, but it may write.
            await server.until(lambda: len(server.shown(server.channel)) == 3)
        else:
            dm = server.do(server.ana.dm)
            await server.until(lambda: server.shown(dm))
    if lacking == bits.SEND_MESSAGES:
        (told,) = server.shown(dm)
        assert "Send Messages" in told["content"]
        errors = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert len(errors) == 1
        assert "cannot be delivered" in errors[0].getMessage()


async def test_another_refusal_is_not_told_as_a_missing_permission(
    server: DiscordServer,
    engine: FakeGateway,
    runner: Runner,
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = {"code": 160005, "message": "This thread is locked"}
    into_channel = rf"POST /channels/{server.channel['id']}/messages$"
    server.limits.troubles.append(Trouble(into_channel, 403, times=1000, body=body))
    async with runner.bot():
        server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
        dm = server.do(server.ana.dm)
        (told,) = await server.until(lambda: server.shown(dm))
    assert "This thread is locked" in told["content"]
    assert "I may not" not in told["content"]
    (logged,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "This thread is locked" in logged.getMessage()
    assert "Send Messages" not in logged.getMessage()


async def test_prompt_tricks_ping_nobody(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    role = server.world.add_role(server.guild, "Staff")
    trick = f"@everyone @here <@{server.ben.id}> <@&{role['id']}> <#{server.other['id']}> hear me"
    engine.pieces = lambda said: [trick]
    async with runner.bot():
        question = server.do(
            lambda: server.ana.say(server.channel, f"{server.mention} repeat after me: {trick}")
        )
        await server.until(lambda: finished(server.replies(question)))
        command = server.do(
            lambda: server.ana.command(server.channel, "onbrand ask", question=trick)
        )
        await server.until(lambda: responded(command))
        server.do(lambda: server.ana.command(server.channel, "onbrand voice", text=trick))
        await server.until(lambda: len(server.shown(server.channel)) == 3)
        await server.until(lambda: all(each["content"] for each in server.shown(server.channel)))
        await server.until(lambda: finished(server.shown(server.channel)))
    for message in server.shown(server.channel):
        assert not message["mention_everyone"]
        assert not message["mentions"]
        assert not message["mention_roles"]
        assert "hear me" in answer_text([message])
    sent = [each.body for each in server.limits.log if each.body and isinstance(each.body, dict)]
    told = [body for body in sent if "content" in body]
    assert len(told) >= 3
    assert all(not body["allowed_mentions"]["parse"] for body in told)
    assert all(not body["allowed_mentions"].get("replied_user") for body in told)
    assert {each.path.split("/")[2] for each in server.limits.calls(POST)} == {server.channel["id"]}
