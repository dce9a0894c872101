"""The bot's process is killed at random moments: each message is answered once, or marked."""

import asyncio
import contextlib
import random
import signal

import pytest
from fake_gateway import FakeGateway
from slack_process import bot_process
from slack_wire.faults import Fault
from slack_wire.server import SlackServer
from slack_wire.workspace import MENTION, People, eventually
from slack_wire.world import Message

from onbrand.workspace import Workspace

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KILLS, MESSAGES, CHANNELS = 30, 100, 10
WORDS = 12


def words_for(said: str) -> list[str]:
    """The pieces of the answer to `message N`, unlike those of any other."""
    number = said.split()[-1]
    return [f"w{number}.{index} " for index in range(WORDS)]


def fault_of(slack: SlackServer, said: Message) -> str:
    """What is wrong with what is shown for a message; "" when nothing is."""
    expected = "".join(words_for(said.text)).replace(" ", "")
    answers = slack.world.answers(said.channel, said.ts)
    shown = "".join(answer.body for answer in answers).replace(" ", "")
    if shown == expected:
        return ""
    if not shown:
        return f"{said.text}: no answer"
    if not expected.startswith(shown):
        return f"{said.text}: {shown}"
    marked = "interrupted" in str([answer.blocks for answer in answers])
    return "" if marked else f"{said.text}: cut off without a mark: {shown}"


async def test_killed_thirty_times(
    workspace: Workspace, slack: SlackServer, gateway: FakeGateway
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    choose = random.Random(seed)
    gateway.pieces, gateway.pause = words_for, 0.03
    people, said = People(slack), []
    for number in range(CHANNELS):
        slack.world.add_channel(f"C{number}")

    async def talk_on() -> None:
        for number in range(MESSAGES):
            channel = f"C{choose.randrange(CHANNELS)}"
            said.append(await people.say(channel, f"{MENTION} message {number}"))
            # Spread over the lives of the process, with several at once now and then.
            lives = len(slack.sockets.connects)
            if number % (MESSAGES // KILLS) == 0:
                await eventually(lambda seen=lives: len(slack.sockets.connects) > seen, 200)

    talking = asyncio.create_task(talk_on())
    for _ in range(KILLS):
        async with bot_process(workspace.root, slack) as process:
            await asyncio.sleep(choose.uniform(0.0, 1.5))
            process.send_signal(signal.SIGKILL)
            await process.wait()
    async with bot_process(workspace.root, slack) as process:
        await eventually(lambda: len(slack.sockets.connects) > KILLS)
        while not talking.done():
            slack.sockets.abort()  # a new connection is what the next messages wait for
            await asyncio.sleep(0.5)
        assert len(said) == MESSAGES
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: not any(fault_of(slack, message) for message in said), 120)
        faults = [fault for message in said if (fault := fault_of(slack, message))]
        assert not faults
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    asked = [body["messages"][-1]["content"] for body in gateway.bodies]
    interrupted = sum(
        "interrupted" in str(m.blocks) for ms in slack.world.messages.values() for m in ms
    )
    print(f"{len(asked)} requests for {MESSAGES} messages, {interrupted} marked as interrupted")


@pytest.mark.parametrize("method", ["chat.startStream", "chat.stopStream", "chat.postMessage"])
async def test_killed_when_slack_had_just_accepted(
    workspace: Workspace, slack: SlackServer, gateway: FakeGateway, method: str
) -> None:
    """The ledger knows nothing of it; Slack does."""
    slack.world.streams_allowed = method != "chat.postMessage"
    slack.faults.add(method, Fault("hold", when="after"))
    gateway.pieces, gateway.pause = words_for, 0.05
    async with bot_process(workspace.root, slack) as process:
        said = await People(slack).say("C0TEA", f"{MENTION} message 1")
        await eventually(lambda: any(c.answer for c in slack.called(method)), 60)
        process.send_signal(signal.SIGKILL)
    async with bot_process(workspace.root, slack):
        whole = method == "chat.stopStream"
        (answer,) = slack.world.answers("C0TEA", said.ts)
        await eventually(lambda: whole or "interrupted" in str(answer.blocks), 60)
        other = await People(slack).say("C0TEA", f"{MENTION} message 2")
        await eventually(lambda: not fault_of(slack, other), 60)
    assert not fault_of(slack, said)
    assert len(slack.world.answers("C0TEA", said.ts)) == 1
    assert len(gateway.bodies) == 2


async def test_sigterm_in_the_middle_of_an_answer(
    workspace: Workspace, slack: SlackServer, gateway: FakeGateway
) -> None:
    """It is given time; when that is over, the message says that it was interrupted."""
    text = (
        (workspace.root / "brand.toml")
        .read_text()
        .replace("drain_seconds = 5", "drain_seconds = 1")
    )
    (workspace.root / "brand.toml").write_text(text)
    gateway.pieces, gateway.pause = lambda said: [f"n{n} " for n in range(2000)], 0.05
    async with bot_process(workspace.root, slack) as process:
        said = await People(slack).say("C0TEA", f"{MENTION} count")
        await eventually(lambda: bool(slack.world.shown("C0TEA", said.ts)), 60)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    (answer,) = slack.world.answers("C0TEA", said.ts)
    assert "interrupted" in str(answer.blocks)
    assert "retry" in str(answer.blocks)
