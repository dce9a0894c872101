"""Many people at once: nothing is lost, and each conversation keeps its order."""

import pytest
from discord_wire.bot_run import Runner, finished
from discord_wire.server import DiscordServer
from fake_gateway import FakeGateway

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PEOPLE, QUESTIONS = 40, 5


async def test_two_hundred_questions_of_forty_people_are_answered_in_order(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    people = [server.person(f"Person {number}") for number in range(PEOPLE)]
    channels = [server.do(person.dm) for person in people]

    def all_ask(number: int) -> None:
        for person, channel in zip(people, channels, strict=True):
            person.say(channel, f"question {number}")

    async with runner.bot():
        for number in range(QUESTIONS):
            server.do(lambda number=number: all_ask(number))
        for channel in channels:
            await server.until(lambda c=channel: len(server.shown(c)) == QUESTIONS, 120)
            await server.until(lambda c=channel: finished(server.shown(c)), 120)
    expected = [f"You said: question {number} ." for number in range(QUESTIONS)]
    for channel in channels:
        assert [each["content"] for each in server.shown(channel)] == expected
    assert len(engine.bodies) == PEOPLE * QUESTIONS
    for body in engine.bodies:  # each was told the answers that came while it waited
        number = int(body["messages"][-1]["content"].split()[-1])
        assert len(body["messages"]) == 2 * number + 1
