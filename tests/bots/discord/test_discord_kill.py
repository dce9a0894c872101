"""SIGKILL of the real process at random moments: each question is answered once, or marked."""

import asyncio
import os
import random
from itertools import count

import pytest
from discord_wire.bot_run import Runner, answer_text, finished, labels
from discord_wire.process import BotProcess
from discord_wire.server import DiscordServer
from discord_wire.world import Json
from fake_gateway import FakeGateway

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
KILLS = int(os.environ.get("ONBRAND_BOT_KILLS", "12"))
"""30 over 100 messages take two minutes of a core; CI makes fewer."""
MESSAGES = 10 + 3 * KILLS


def answer(said: str) -> list[str]:
    """To each question another; every third one is longer than a message."""
    number = int(said.split()[-1])
    return [f"{number}.{word} " for word in range(600 if number % 3 == 0 else 20)]


async def test_questions_over_many_kills_are_answered_once_or_marked(
    server: DiscordServer, engine: FakeGateway, runner: Runner
) -> None:
    chance = random.Random(int(os.environ.get("ONBRAND_BOT_SEED", "6")))
    engine.pieces = answer
    engine.pause = 0.002
    runner.workspace(health_port="0", thumbs="false")
    process = BotProcess(server, runner.root)
    people = [server.person(f"Person {number}") for number in range(10)]
    numbers = count()
    asked: list[Json] = []

    def ask() -> None:
        number, person = next(numbers), chance.choice(people)
        if number < len(people):
            person, where = people[number], people[number].dm()  # the bot learns of the DM
        else:
            where = chance.choice([person.dm(), server.channel, server.other])
        text = f"{server.mention} number {number}"
        asked.append(server.do(lambda: person.say(where, text)))

    await process.start()
    for _ in people:
        ask()
    for question in asked:
        await server.until(lambda q=question: finished(server.replies(q)), 120)
    try:
        for kill in range(KILLS):
            left = MESSAGES - len(asked)
            for _ in range(left // (KILLS - kill)):
                ask()
                await asyncio.sleep(chance.random() * 0.3)
            await asyncio.sleep(chance.random() * 1.0)
            process.kill()
            await process.start()
        assert len(asked) == MESSAGES
        for question in asked:
            await server.until(lambda q=question: finished(server.replies(q)), 120)
        # An answer that came twice would come now.
        last = server.do(lambda: people[0].say(server.other, f"{server.mention} number 1000"))
        await server.until(lambda: finished(server.replies(last)), 120)
    finally:
        process.kill()
    marked = sum(_check(server, question) for question in asked)
    assert marked < MESSAGES / 2, f"{marked} of {MESSAGES} were marked"
    places = {question["channel_id"] for question in asked}
    shown = [each for place in places for each in server.shown({"id": place})]
    replies = [each for question in asked for each in server.replies(question)]
    assert len(shown) == len(replies) + 1, "a message that belongs to no question"


def _check(server: DiscordServer, question: Json) -> bool:
    """That it has one answer: all of it, or its beginning and a mark; whether it is the latter."""
    replies = server.replies(question)
    first = [e for e in replies if e["message_reference"]["message_id"] == question["id"]]
    assert len(first) == 1, f"{question['content']} has {len(first)} answers"
    whole = "".join(answer(question["content"])).strip()
    is_marked = labels(replies[-1]) == ["Try again"]
    shown = " ".join(filter(None, (answer_text([each]) for each in replies)))
    if is_marked:
        assert whole.startswith(shown)
        assert "interrupted" in replies[-1]["content"]
    else:
        assert shown == whole
    return is_marked
