"""Stop, edits, deletions, and the end of the process, while an answer is under way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_harness import Bench, bench, until
from fake_gateway import FakeGateway
from fake_platform import DM, FakePlatform, question

from bots.platform import Ending, Final
from bots.question import Place, Question
from bots.streaming import answers

pytestmark = pytest.mark.anyio
THREAD = Place("slack", "T1", "C1", "17.1")


def endless(said: str) -> list[str]:
    return [f"{said} ", *(f"{number} " for number in range(100_000))]


@pytest.fixture
async def b(tmp_path: Path) -> AsyncIterator[Bench]:
    """Answers never end by themselves."""
    async with bench(tmp_path, gateway=FakeGateway(pieces=endless, pause=0.005)) as started:
        yield started


async def asked(b: Bench, one: Question) -> None:
    """It is being answered, and text is shown."""
    await b.desk.receive(b.platform.add(one))
    await until(lambda: bool(b.platform.answer(one.id)))


async def ended(b: Bench, question_id: str = "q1", attempt: int = 1) -> Final:
    await b.ended(question_id, attempt)
    final = b.platform.final(question_id, attempt)
    assert final is not None
    return final


def edited(one: Question, text: str) -> Question:
    return replace(one, turn=replace(one.turn, text=text))


async def test_the_stop_button(b: Bench) -> None:
    await asked(b, question(1))
    refused = await b.desk.stop("q1", "U2")
    assert not refused.accepted
    assert "Only the person who asked" in refused.sentence
    assert (await b.desk.stop("q1", "U1")).accepted
    final = await ended(b)
    assert final.ending is Ending.STOPPED
    assert final.text.startswith("question 1 ")
    await until(lambda: b.gateway.abandoned == 1)
    await b.settled()
    assert not (await b.desk.stop("q1", "U1")).accepted
    assert await b.ledger.open() == []


async def test_a_bare_stop_ends_what_its_author_asked_there(b: Bench) -> None:
    await asked(b, question(1))
    await b.desk.receive(question(2))
    await asked(b, question(3, by="U2", place=replace(DM, channel="D2")))
    stop = question(4, "Stop!")
    assert (await b.desk.receive(stop)).accepted
    assert (await ended(b, "q1")).ending is Ending.STOPPED
    assert (await ended(b, "q2")).text == ""
    assert b.platform.final("q3") is None
    assert b.platform.of("q4#1") == []

    # Slack sends it again while the person has gone on.
    await asked(b, question(5))
    assert not (await b.desk.receive(replace(stop, event_ids=("e9",)))).accepted
    assert b.platform.final("q5") is None


async def test_a_stop_with_nothing_to_stop_is_not_answered(b: Bench) -> None:
    assert not (await b.desk.receive(question(1, "stop"))).accepted
    assert b.desk.under_way == 0


async def test_a_stop_in_a_thread_needs_no_mention_and_stops_no_other_person(b: Bench) -> None:
    await asked(b, replace(question(1, place=THREAD), mentioned=True))
    assert not (await b.desk.receive(question(2, "stop", THREAD, by="U2"))).accepted
    assert b.platform.final("q1") is None
    assert (await b.desk.receive(question(3, "stop", THREAD))).accepted
    assert (await ended(b)).ending is Ending.STOPPED


async def test_the_platforms_own_stop_button(b: Bench) -> None:
    await asked(b, question(1))
    answer = b.desk._answers.get("q1")
    assert answer is not None
    answer.stopped()
    assert (await ended(b)).ending is Ending.STOPPED


async def test_a_change_before_there_is_text_changes_what_is_asked(b: Bench) -> None:
    b.gateway.mode = "silent"
    first = question(1)
    await b.desk.receive(first)
    await until(lambda: len(b.gateway.bodies) == 1)
    b.gateway.mode = "well"
    for text in ("changing", "changed"):
        await b.desk.edited(edited(first, text))
    await until(lambda: b.platform.answer("q1").startswith("changed 0"))
    assert len(b.platform.posts) == 1


async def test_a_change_while_it_waits(b: Bench) -> None:
    await asked(b, question(1))
    await b.desk.receive(question(2))
    await b.desk.edited(edited(question(2), "changed"))
    await b.desk.stop("q1", "U1")
    await until(lambda: b.platform.answer("q2").startswith("changed 0"))


async def test_a_change_after_there_is_text_begins_another_answer(b: Bench) -> None:
    first = question(1)
    await asked(b, first)
    await b.desk.edited(first)  # links were unfurled; the text is the same
    assert b.platform.final("q1") is None
    await b.desk.edited(edited(first, "changed"))
    final = await ended(b)
    assert final.ending is Ending.STOPPED
    assert "changed" in final.note
    await until(lambda: b.platform.answer("q1", 2).startswith("changed 0"))
    assert (await b.desk.stop("q1", "U1")).accepted


async def test_changes_of_other_messages_are_none_of_ours(b: Bench) -> None:
    await b.desk.edited(question(1))
    await b.desk.deleted("q1")
    assert b.desk.under_way == 0
    assert not await b.ledger.knows("q1")


async def test_a_deleted_question_is_answered_no_further(b: Bench) -> None:
    await asked(b, question(1))
    await b.desk.receive(question(2))
    await b.desk.deleted("q2")
    await b.desk.deleted("q1")
    final = await ended(b)
    assert final.ending is Ending.STOPPED
    assert "deleted" in final.note
    await b.settled()
    assert b.platform.of("q2#1") == []
    await until(lambda: b.gateway.abandoned == 1)


async def test_a_drain_lets_answers_come_to_their_end(tmp_path: Path) -> None:
    async with bench(tmp_path, gateway=FakeGateway(pause=0.05)) as b:
        for number in (1, 2):
            await b.desk.receive(question(number))
        await b.desk.drain(30)
        assert (await ended(b, "q1")).ending is Ending.COMPLETE
        assert (await ended(b, "q2")).ending is Ending.COMPLETE
        assert b.desk.under_way == 0


async def test_a_drain_says_what_was_interrupted_and_keeps_what_comes_late(
    tmp_path: Path,
) -> None:
    platform = FakePlatform()
    endless_gateway = FakeGateway(pieces=endless, pause=0.005)
    async with bench(tmp_path, platform, endless_gateway) as b:
        await asked(b, question(1))
        await b.desk.receive(question(2))
        draining = asyncio.create_task(b.desk.drain(0.2))
        await asyncio.sleep(0)
        assert (await b.desk.receive(platform.add(question(3)))).accepted
        await draining
        for number in ("q1", "q2"):
            final = await ended(b, number)
            assert final.ending is Ending.INTERRUPTED
            assert final.may_retry
            assert "interrupted" in final.note
        assert platform.of("q3#1") == []
    async with bench(tmp_path, platform) as b:
        await b.ended("q3")
        assert platform.answer("q3") == "You said: question 3 ."
        assert (await b.desk.retry("q1", "U1")).accepted
        await b.ended("q1", 2)
        assert platform.answer("q1", 2) == "You said: question 1 ."


async def test_a_drain_ends_although_the_platform_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_FINISH_SECONDS", 0.2)
    async with bench(tmp_path, gateway=FakeGateway(pieces=endless)) as b:
        await asked(b, question(1))
        b.platform.delay = 3600
        await asyncio.wait_for(b.desk.drain(0.0), 60)
