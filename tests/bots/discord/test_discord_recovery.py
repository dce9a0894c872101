"""After SIGKILL: what is shown of an answer is marked, never said again; the rest is answered."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from discord_wire import messages
from discord_wire.bot_run import Runner, answer_text, finished, labels
from discord_wire.limits import Trouble
from discord_wire.process import BotProcess
from discord_wire.server import DiscordServer
from fake_gateway import FakeGateway

from bots.question import Asked, Place

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
POST = r"POST /channels/\d+/messages$"


@pytest.fixture
def process(server: DiscordServer, runner: Runner) -> Iterator[BotProcess]:
    runner.workspace(health_port="0")
    process = BotProcess(server, runner.root)
    yield process
    process.kill()


async def test_an_answer_that_was_cut_off_is_marked_and_can_be_tried_again(
    server: DiscordServer, engine: FakeGateway, runner: Runner, process: BotProcess
) -> None:
    engine.mode = "stall"
    await process.start()
    question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
    (answer,) = await server.until(lambda: server.replies(question))
    await server.until(lambda: "You said" in answer["content"])
    process.kill()
    assert labels(answer) == ["Stop"]
    engine.mode = "well"
    async with runner.bot():
        await server.until(lambda: labels(answer) == ["Try again"])
        assert answer["content"].startswith("You said\n-# I was interrupted")
        assert len(server.shown(server.channel)) == 1
        server.do(lambda: server.ana.click(answer, "Try again"))
        await server.until(lambda: len(server.replies(question)) == 2)
        await server.until(lambda: finished(server.replies(question)[1:]))
    assert answer_text(server.replies(question)[1:]) == "You said: hello ."


async def test_a_message_accepted_just_before_the_kill_is_found_though_nobody_was_told(
    server: DiscordServer, engine: FakeGateway, runner: Runner, process: BotProcess
) -> None:
    engine.mode = "stall"
    server.limits.troubles.append(Trouble(POST, 0, acted=True, wait=3))
    await process.start()
    question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
    (answer,) = await server.until(lambda: server.replies(question))
    process.kill()
    async with runner.bot():
        await server.until(lambda: labels(answer) == ["Try again"])
    assert server.shown(server.channel) == [answer]


async def test_a_question_received_but_not_begun_is_answered_once(
    server: DiscordServer, engine: FakeGateway, runner: Runner, process: BotProcess
) -> None:
    engine.mode = "silent"
    await process.start()
    question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
    await server.until(lambda: engine.bodies)
    process.kill()
    engine.mode = "well"
    async with runner.bot():
        await server.until(lambda: finished(server.replies(question)))
    async with runner.bot():
        last = server.do(lambda: server.ana.say(server.channel, f"{server.mention} last"))
        await server.until(lambda: finished(server.replies(last)))
    assert len(server.shown(server.channel)) == 2


async def test_a_command_cut_off_by_a_kill_stops_thinking(
    server: DiscordServer, engine: FakeGateway, runner: Runner, process: BotProcess
) -> None:
    engine.mode = "silent"
    await process.start()
    await server.until(lambda: server.world.commands.get(""))
    command = server.do(lambda: server.ana.command(server.channel, "onbrand ask", question="hello"))
    await server.until(lambda: engine.bodies)
    process.kill()
    async with runner.bot():
        await server.until(lambda: command["original"]["content"])
        assert "interrupted" in command["original"]["content"]
        press = server.do(lambda: server.ana.click(command["original"], "Try again"))
        await server.until(lambda: press["followups"])
    assert "ask it again" in press["followups"][0]["content"]


async def test_sigterm_says_that_an_answer_was_interrupted(
    server: DiscordServer, engine: FakeGateway, runner: Runner, process: BotProcess
) -> None:
    runner.workspace(bots="drain_seconds = 0.5", health_port="0")
    engine.mode = "stall"
    await process.start()
    question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} hello"))
    (answer,) = await server.until(lambda: server.replies(question))
    await process.terminate()
    assert labels(answer) == ["Try again"]
    assert "interrupted" in answer["content"]
    assert server.mention not in process.log()
    assert "hello" not in process.log()


async def test_a_full_message_is_marked_by_another_and_only_once(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    question = server.do(lambda: server.ana.say(server.channel, f"{server.mention} what?"))
    button = {
        "type": 2,
        "style": 2,
        "label": "Stop",
        "custom_id": f"onbrand:stop:{question['id']}",
    }
    body = {
        "content": "x" * 2000,
        "message_reference": {"message_id": question["id"]},
        "components": [{"type": 1, "components": [button]}],
    }
    server.do(lambda: messages.post(server.world, server.bot, server.channel, body))
    place = Place("discord", server.guild["id"], server.channel["id"])
    asked = Asked(question["id"], place, server.ana.id, "message", 1, datetime.now(UTC))
    async with runner.bot() as running:
        platform = running.bot.platform
        reloaded = await platform.reload(asked)
        assert reloaded is not None
        assert reloaded.turn.text == "what?"
        for _ in range(2):
            found = await platform.delivered(reloaded, (), ())
            assert found is not None
            await platform.mark_interrupted(reloaded, found, "I was interrupted.")
        assert found.whole is (len(found.message_ids) == 2)
    shown = server.shown(server.channel)
    assert [each["content"] for each in shown] == ["x" * 2000, "-# I was interrupted."]
    assert [labels(each) for each in shown] == [[], ["Try again"]]
