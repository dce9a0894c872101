"""From a question to its answer: once, in order, with a sign of life, whatever the model does."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest
from desk_harness import PATIENT, bench, until
from fake_gateway import FakeGateway
from fake_platform import DM, FakePlatform, question

from bots.platform import Ending
from bots.question import Attachment, Place, Turn

pytestmark = pytest.mark.anyio
THREAD = Place("slack", "T1", "C1", "17.1")


async def test_a_question_is_answered(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        receipt = await b.desk.receive(b.platform.add(question(1, "Why tea?")))
        assert receipt.accepted
        await b.ended("q1")
        final = b.platform.final("q1")
        assert final is not None
        assert (final.text, final.ending) == ("You said: Why tea? .", Ending.COMPLETE)
        assert final.may_rate
        assert not final.may_retry
        await b.settled()
        assert await b.ledger.open() == []
    assert b.gateway.headers[0]["X-Onbrand-User"] == "fake:T1:U1"


@pytest.mark.parametrize("event_id", ["e1", "other"])
@pytest.mark.parametrize("restart", [False, True])
async def test_delivered_three_times_answered_once(
    tmp_path: Path, event_id: str, restart: bool
) -> None:
    platform = FakePlatform()
    first = platform.add(question(1))
    async with bench(tmp_path, platform) as b:
        receipts = [await b.desk.receive(replace(first, event_ids=("e1",)))]
        if not restart:
            receipts += await asyncio.gather(
                *(b.desk.receive(replace(first, event_ids=(f"{event_id}",))) for _ in range(2))
            )
        await b.ended("q1")
        await b.settled()
    async with bench(tmp_path, platform) as b:
        for number in range(3 - len(receipts)):
            again = event_id if event_id == "e1" else f"other{number}"
            receipts.append(await b.desk.receive(replace(first, event_ids=(again,))))
        await b.settled()
    assert [receipt.accepted for receipt in receipts] == [True, False, False]
    assert len(platform.posts) == 1


async def test_what_is_not_for_us_leaves_no_trace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench(tmp_path) as b:
        with caplog.at_level(logging.DEBUG, "bots"):
            receipt = await b.desk.receive(question(1, "secret talk", THREAD))
        assert not receipt.accepted
        assert not await b.ledger.knows("q1")
    assert "q1: no answer: it stands in a thread that is not ours" in caplog.text
    assert "secret" not in caplog.text


async def test_a_thread_goes_on_without_a_mention_after_a_restart_too(tmp_path: Path) -> None:
    platform = FakePlatform()
    async with bench(tmp_path, platform) as b:
        mention = replace(question(1, place=THREAD), mentioned=True)
        assert (await b.desk.receive(mention)).accepted
        assert (await b.desk.receive(question(2, place=THREAD))).accepted
        await b.settled()
    async with bench(tmp_path, platform) as b:
        assert (await b.desk.receive(question(3, place=THREAD, by="U2"))).accepted
        await b.settled()
    assert len(platform.posts) == 3


async def test_one_conversation_in_order_others_at_once(tmp_path: Path) -> None:
    gateway = FakeGateway(pause=0.01)
    async with bench(tmp_path, gateway=gateway) as b:
        for number in range(1, 6):
            await b.desk.receive(question(number))
        await b.desk.receive(question(9, place=replace(DM, channel="D2"), by="U2"))
        await b.ended("q9")
        assert b.platform.final("q5") is None
        await b.ended("q5")
    ids = [post.answer_id for post in b.platform.posts if post.answer_id != "q9#1"]
    assert ids == [f"q{number}#1" for number in range(1, 6)]
    assert gateway.asked()[1:] != []


@pytest.mark.parametrize("mode", ["well", "stall", "silent", "cut", "error", "429", "503", "empty"])
async def test_a_sign_of_life_within_a_second(tmp_path: Path, mode: str) -> None:
    gateway = FakeGateway(mode=mode, retry_after="2", pause=0.05)
    async with bench(tmp_path, gateway=gateway, patience_seconds=10, silence_seconds=30) as b:
        started = time.monotonic()
        # The second waits for the first, and shows that it is alive none the less.
        for number in (1, 2):
            await b.desk.receive(question(number))
        await until(lambda: len(b.platform.signs) == 2, 5)
        assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("mode", "text", "note"),
    [
        ("stall", "You said", "took too long"),
        ("silent", "", "took too long"),
        ("cut", "You said", "broke off"),
        ("error", "You said: ", "broke off"),
        ("429", "", "a lot at once"),
        ("503", "", "very busy"),
        ("401", "", "not set up"),
        ("html", "", "Something went wrong"),
        ("empty", "", "no answer"),
    ],
)
async def test_a_failure_reaches_the_person_and_can_be_tried_again(
    tmp_path: Path, mode: str, text: str, note: str, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = FakeGateway(mode=mode)
    async with bench(tmp_path, gateway=gateway, silence_seconds=0.3) as b:
        await b.desk.receive(b.platform.add(question(1)))
        await b.ended("q1")
        final = b.platform.final("q1")
        assert final is not None
        assert (final.text, final.ending, final.may_retry) == (text, Ending.FAILED, True)
        assert note in final.note
        await b.settled()

        gateway.mode = "well"
        receipts = await asyncio.gather(*(b.desk.retry("q1", "U1") for _ in range(3)))
        assert sorted(receipt.accepted for receipt in receipts) == [False, False, True]
        await b.ended("q1", 2)
        assert b.platform.answer("q1", 2) == "You said: question 1 ."
        await b.settled()
        again = await b.desk.retry("q1", "U1")
        assert not again.accepted
        assert "nothing to try again" in again.sentence


async def test_a_retry_pressed_before_the_end_was_written_down(tmp_path: Path) -> None:
    platform = FakePlatform(delay=0.3)
    async with bench(tmp_path, platform, FakeGateway(mode="cut")) as b:
        await b.desk.receive(platform.add(question(1)))
        while platform.final("q1") is None:
            await asyncio.sleep(0.005)
        b.gateway.mode = "well"
        assert (await b.desk.retry("q1", "U1")).accepted
        await b.ended("q1", 2)
    assert platform.answer("q1", 2) == "You said: question 1 ."


async def test_what_is_too_long_is_not_tried_again(tmp_path: Path) -> None:
    async with bench(tmp_path, gateway=FakeGateway(mode="400")) as b:
        await b.desk.receive(question(1))
        await b.ended("q1")
        final = b.platform.final("q1")
        assert final is not None
        assert not final.may_retry


async def test_a_retry_of_what_cannot_be_read_again(tmp_path: Path) -> None:
    async with bench(tmp_path, gateway=FakeGateway(mode="cut")) as b:
        await b.desk.receive(question(1))
        await b.settled()
        assert "ask it again" in (await b.desk.retry("q1", "U1")).sentence
        b.platform.offline = True
        assert "ask it again" in (await b.desk.retry("q1", "U1")).sentence
        b.platform.offline = False
        b.platform.add(question(1))
        assert (await b.desk.retry("q1", "U1")).accepted


async def test_feedback_goes_to_the_gateway_under_the_answers_request_id(tmp_path: Path) -> None:
    platform = FakePlatform(limit=5)
    async with bench(tmp_path, platform) as b:
        await b.desk.receive(question(1))
        await b.settled()
        assert len(platform.posts) > 1
        receipt = await b.desk.feedback(platform.posts[-1].id, "U2", "down")
        assert receipt.accepted
        assert "Thank you" in receipt.sentence
        assert not (await b.desk.feedback("unknown", "U2", "up")).accepted
    [given] = b.gateway.feedback
    assert given["request_id"] == b.gateway.headers[0]["X-Request-Id"]
    assert (given["rating"], given["user"]) == ("down", "fake:T1:U2")


async def test_too_many_questions(tmp_path: Path) -> None:
    settings = "[bots]\nuser_per_minute = 2\nflood_sentence = 'In {seconds} s, {please}.'\n"
    async with bench(tmp_path, settings=settings) as b:
        receipts = [await b.desk.receive(question(number)) for number in range(1, 6)]
        assert [receipt.accepted for receipt in receipts] == [True, True, False, False, False]
        command = replace(question(6), asked_as="ask")
        assert "{please}" in (await b.desk.receive(command)).sentence
        await b.settled()
        final = b.platform.final("q3")
        assert final is not None
        assert final.note.startswith("In ")
        assert not final.may_retry
        assert {post.answer_id for post in b.platform.posts} == {"q1#1", "q2#1", "q3#1"}
        assert await b.ledger.open() == []


async def test_the_platform_will_not_take_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench(tmp_path) as b:
        b.platform.closed_channels.add("D1")
        with caplog.at_level(logging.WARNING):
            for number in (1, 2):
                await b.desk.receive(question(number))
            await b.settled()
        assert caplog.text.count("The channel is archived; open it again.") == 1
        assert await b.ledger.open() == []


async def test_what_was_said_before_is_the_memory(tmp_path: Path) -> None:
    platform = FakePlatform()
    ask = question(1).turn
    platform.turns = [
        replace(ask, text="I am Ana."),
        Turn("B", "Onbrand", "Hello Ana.", ask.at, ours=True, message_id="m0"),
    ]
    async with bench(tmp_path, platform) as b:
        await b.desk.receive(question(2, "Who am I?"))
        await b.settled()
        platform.offline = True  # the history cannot be read; the answer goes without
        await b.desk.receive(question(3, "Alone?"))
        await until(lambda: len(b.gateway.bodies) == 2)
    said = [message["content"] for message in b.gateway.bodies[0]["messages"]]
    assert said == ["I am Ana.", "Hello Ana.", "Who am I?"]
    assert b.gateway.asked()[1] == "Alone?"
    assert len(b.gateway.bodies[1]["messages"]) == 1


async def test_failures_are_no_memory(tmp_path: Path) -> None:
    gateway = FakeGateway(mode="503")
    async with bench(tmp_path, gateway=gateway) as b:
        await b.desk.receive(question(1))
        await b.settled()
        [post] = b.platform.posts
        turn = Turn("B", "Onbrand", "I'm very busy.", question(1).turn.at, True, (), post.id)
        b.platform.turns = [question(1).turn, turn]
        gateway.mode = "well"
        await b.desk.receive(question(2))
        await b.settled()
    assert "busy" not in str(gateway.bodies[-1])


async def test_a_persona_by_channel(tmp_path: Path) -> None:
    settings = PATIENT + "[slack.personas]\nD1 = 'Be brief.'\n"
    async with bench(tmp_path, settings=settings) as b:
        await b.desk.receive(question(1))
        await b.settled()
    assert b.gateway.bodies[0]["messages"][0] == {"role": "system", "content": "Be brief."}


PICTURE = Attachment("tea.png", "image/png", 9, "image")


async def test_a_picture_is_answered_with_not_yet(tmp_path: Path) -> None:
    alone = replace(question(1).turn, text="", attachments=(PICTURE,))
    beside = replace(question(2).turn, attachments=(PICTURE,))
    async with bench(tmp_path) as b:
        await b.desk.receive(replace(question(1), turn=alone))
        await b.desk.receive(replace(question(2), turn=beside))
        await b.settled()
        first, second = b.platform.final("q1"), b.platform.final("q2")
    assert first is not None
    assert second is not None
    assert (first.text, second.text) == ("", "You said: question 2 .")
    assert "yet" in first.note
    assert "yet" in second.note
    assert len(b.gateway.bodies) == 1


async def test_a_gateway_that_takes_pictures_gets_them(tmp_path: Path) -> None:
    platform = FakePlatform(files={"tea.png": b"tea"})
    turn = replace(question(1).turn, attachments=(PICTURE,))
    async with bench(tmp_path, platform, settings=PATIENT + "media = true\n") as b:
        await b.desk.receive(replace(question(1), turn=turn))
        await until(lambda: len(b.gateway.bodies) == 1)
    text, picture = b.gateway.bodies[0]["messages"][-1]["content"]
    assert text == {"type": "text", "text": "question 1"}
    assert picture["image_url"]["url"] == "data:image/png;base64,dGVh"
