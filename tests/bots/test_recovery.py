"""What the next start makes of what a crash left open: each state, each moment."""

import asyncio
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from desk_harness import PATIENT, bench, until
from fake_platform import FakePlatform, Post, question

from bots.delivery import recovery
from bots.delivery.ledger import Ledger
from bots.platform import Ending, Final
from bots.question import Question

pytestmark = pytest.mark.anyio


async def left_behind(
    folder: Path, one: Question, *posts: Post, state: str = "answering", told: bool = True
) -> FakePlatform:
    """A platform and a ledger as a crash leaves them.

    Args:
        folder: Of the ledger.
        one: The question under way.
        posts: What the platform shows of its answer.
        state: Of the question.
        told: Whether the ledger knows of the posts.
    """
    platform = FakePlatform(posts=list(posts))
    platform.add(one)
    ledger = Ledger(folder / "ledger.sqlite")
    await ledger.admit(one)
    if state == "answering":
        await ledger.answering(one, "r1")
    for post in posts if told else ():
        await ledger.posted(one, "r1", post.id, len(post.text))
    await ledger.close()
    return platform


@pytest.mark.parametrize("state", ["received", "answering"])
async def test_nothing_is_shown_so_it_is_answered(tmp_path: Path, state: str) -> None:
    platform = await left_behind(tmp_path, question(1), state=state)
    async with bench(tmp_path, platform) as b:
        await b.ended("q1")
        assert platform.answer("q1") == "You said: question 1 ."
        await b.settled()
        assert await b.ledger.open() == []


@pytest.mark.parametrize("told", [True, False])
async def test_a_part_is_shown_so_it_is_marked(tmp_path: Path, told: bool) -> None:
    parts = (Post("m1", "q1#1", "You "), Post("m2", "q1#1", "said"))
    platform = await left_behind(tmp_path, question(1), *parts, told=told)
    async with bench(tmp_path, platform) as b:
        await b.settled()
        final = platform.final("q1")
        assert final is not None
        assert final.ending is Ending.INTERRUPTED
        assert platform.answer("q1") == "You said"
        assert b.gateway.bodies == []
        assert (await b.desk.feedback("m2", "U1", "down")).accepted
        assert (await b.desk.retry("q1", "U1")).accepted
        await b.ended("q1", 2)
        assert platform.answer("q1", 2) == "You said: question 1 ."


async def test_a_retry_pressed_before_the_mark_was_written_down(tmp_path: Path) -> None:
    platform = await left_behind(tmp_path, question(1), Post("m1", "q1#1", "You "))
    platform.delay = 0.3
    async with bench(tmp_path, platform) as b:
        while platform.final("q1") is None:
            await asyncio.sleep(0.005)
        assert (await b.desk.retry("q1", "U1")).accepted
        await b.ended("q1", 2)


async def test_all_is_shown_so_it_is_left_alone(tmp_path: Path) -> None:
    final = Final("", Ending.FAILED, "No.", may_retry=True)
    platform = await left_behind(tmp_path, question(1), Post("m1", "q1#1", "", final))
    async with bench(tmp_path, platform) as b:
        await b.settled()
        assert platform.final("q1") is final
        assert await b.ledger.open() == []
        # Its retry button is there, so it works.
        assert (await b.desk.retry("q1", "U1")).accepted
        await b.ended("q1", 2)


async def test_a_second_attempt_is_told_from_the_first(tmp_path: Path) -> None:
    platform = await left_behind(tmp_path, question(1), Post("m1", "q1#1", "You"))
    ledger = Ledger(tmp_path / "ledger.sqlite")
    await ledger.delivered("q1", 1, Ending.FAILED)
    await ledger.again("q1")
    await ledger.answering(replace(question(1), attempt=2), "r2")
    await ledger.close()
    async with bench(tmp_path, platform) as b:
        await b.ended("q1", 2)
        assert platform.answer("q1", 2) == "You said: question 1 ."


async def test_what_is_too_old_is_closed_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour_ago = time.time() - 3600
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: hour_ago)
        platform = await left_behind(tmp_path, question(1), state="received")
    async with bench(tmp_path, platform) as b:
        await b.settled()
        assert platform.posts == []
        assert await b.ledger.open() == []


async def test_what_was_deleted_meanwhile_is_closed_silently(tmp_path: Path) -> None:
    platform = await left_behind(tmp_path, question(1))
    platform.questions.clear()
    async with bench(tmp_path, platform) as b:
        await b.settled()
        assert platform.posts == []
        assert await b.ledger.open() == []


async def test_an_answer_to_a_command_is_marked_although_the_command_is_gone(
    tmp_path: Path,
) -> None:
    command = replace(question(1), asked_as="ask")
    platform = await left_behind(tmp_path, command, Post("m1", "q1#1", "You"))
    platform.questions.clear()
    async with bench(tmp_path, platform) as b:
        await b.settled()
        final = platform.final("q1")
        assert final is not None
        assert final.ending is Ending.INTERRUPTED


async def test_a_stop_that_a_crash_left_open_is_no_question(tmp_path: Path) -> None:
    platform = await left_behind(tmp_path, question(1, "stop"), state="received")
    async with bench(tmp_path, platform) as b:
        await b.settled()
        assert platform.posts == []


async def test_what_was_left_open_comes_before_what_comes_now(tmp_path: Path) -> None:
    platform = await left_behind(tmp_path, question(1), state="received")
    async with bench(tmp_path, platform, recover=False) as b:
        await b.desk.receive(question(2))
        await b.desk.receive(question(1))  # the platform sends it again, too
        await asyncio.sleep(0.05)
        assert platform.posts == []
        await b.desk.recover()
        await b.ended("q2")
        assert [post.answer_id for post in platform.posts] == ["q1#1", "q2#1"]


async def test_a_platform_that_does_not_answer_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recovery, "_WAITS", (0.05,) * 3)
    platform = await left_behind(tmp_path, question(1))
    platform.offline = True
    async with bench(tmp_path, platform) as b:
        await asyncio.sleep(0.06)
        platform.offline = False
        await b.ended("q1")
    platform = await left_behind(tmp_path, question(2))
    platform.offline = True
    async with bench(tmp_path, platform) as b:
        with caplog.at_level(logging.WARNING):
            await b.settled()
        assert "q2 stays open until the next start" in caplog.text
        assert len(await b.ledger.open()) == 1
    platform.offline = False
    async with bench(tmp_path, platform) as b:
        await b.ended("q2")


async def test_what_was_said_while_we_were_away_is_answered_once(tmp_path: Path) -> None:
    platform = FakePlatform()
    old = question(3)
    old = replace(old, turn=replace(old.turn, at=datetime.now(UTC) - timedelta(hours=1)))
    platform.away = [question(1), question(2), old, question(4, "stop")]
    platform.posts.append(Post("m0", "q2#1", "said already", Final("", Ending.COMPLETE)))
    async with bench(tmp_path, platform) as b:
        await b.settled()
        assert len(platform.posts) == 1  # the first start: nobody spoke to us before
        await b.desk.receive(question(9))
        await b.settled()
    for _ in range(2):
        async with bench(tmp_path, platform) as b:
            await until(lambda: platform.final("q1") is not None)
            await b.settled()
    assert [post.answer_id for post in platform.posts] == ["q2#1", "q9#1", "q1#1"]


async def test_flooding_while_we_were_away(tmp_path: Path) -> None:
    platform = FakePlatform(away=[question(number) for number in range(2, 9)])
    settings = PATIENT.replace("user_per_minute = 0", "user_per_minute = 3")
    async with bench(tmp_path, platform, settings=settings) as b:
        await b.desk.receive(question(1))
        await b.settled()
    async with bench(tmp_path, platform, settings=settings) as b:
        await b.settled()
        answered = [post for post in platform.posts if post.text]
        told = [post for post in platform.posts if not post.text]
        assert (len(answered), len(told)) == (4, 1)
