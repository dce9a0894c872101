"""The ledger: what it says before and after it was closed and opened again."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake_platform import question

from bots.delivery.ledger import Ledger
from bots.delivery.records import Admission, Closed
from bots.platform import Ending
from bots.question import Place, Question
from onbrand.errors import OnbrandError

pytestmark = pytest.mark.anyio
THREAD = Place("slack", "T1", "C1", "17.1")
EPOCH = datetime.fromtimestamp(0, UTC)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = Ledger(tmp_path / "bots" / "ledger.sqlite")
    yield opened
    await opened.close()


async def failed(ledger: Ledger, asked: Question, *messages: str) -> None:
    """An attempt that failed after it posted `messages`."""
    await ledger.answering(asked, f"r{asked.attempt}")
    for message in messages:
        await ledger.posted(asked, f"r{asked.attempt}", message, 1)
    await ledger.delivered(asked.id, asked.attempt, Ending.FAILED)


@pytest.mark.parametrize(
    "same",
    [question(1), replace(question(1), event_ids=("e9",)), replace(question(9), event_ids=("e1",))],
)
async def test_a_question_is_new_once(ledger: Ledger, tmp_path: Path, same: Question) -> None:
    assert ledger.is_new
    assert await ledger.admit(question(1)) is Admission.NEW
    assert await ledger.admit(same) is Admission.KNOWN

    again = Ledger(tmp_path / "bots" / "ledger.sqlite")
    assert not again.is_new
    assert await again.admit(same) is Admission.KNOWN
    assert await again.admit(question(2)) is Admission.NEW
    await again.close()


async def test_of_many_at_once_one_is_new(ledger: Ledger) -> None:
    events = [replace(question(1), event_ids=(f"e{number}",)) for number in range(50)]
    admitted = await asyncio.gather(*(ledger.admit(event) for event in events))
    assert admitted.count(Admission.NEW) == 1


async def test_the_states_of_a_question(ledger: Ledger) -> None:
    asked = question(1, place=THREAD)
    await ledger.admit(asked)
    [left] = await ledger.open()
    assert (left.state, left.known) == ("received", ())
    assert (left.asked.id, left.asked.place, left.asked.author_id) == ("q1", THREAD, "U1")

    await ledger.answering(asked, "r1")
    await ledger.posted(asked, "r1", "m1", 0)
    await ledger.posted(asked, "r1", "m2", 5)
    await ledger.posted(asked, "r1", "m1", 7)
    [left] = await ledger.open()
    assert (left.state, left.request_id, left.known) == ("answering", "r1", ("m1", "m2"))

    await ledger.delivered("q1", 1, Ending.COMPLETE)
    assert await ledger.open() == []


async def test_what_is_open_comes_oldest_first(ledger: Ledger) -> None:
    for number in (3, 1, 2):
        await ledger.admit(question(number))
    assert [left.asked.id for left in await ledger.open()] == ["q3", "q1", "q2"]


async def test_another_attempt(ledger: Ledger) -> None:
    asked = question(1)
    assert await ledger.again("q1") is None
    await ledger.admit(asked)
    assert await ledger.again("q1") is None
    await failed(ledger, asked, "m1")

    begun = await asyncio.gather(*(ledger.again("q1") for _ in range(5)))
    [another] = [one for one in begun if one]
    assert another.attempt == 2
    [left] = await ledger.open()
    assert (left.asked.attempt, left.known, left.earlier) == (2, (), ("m1",))

    # What comes late of the first attempt does not close the second.
    await ledger.delivered("q1", 1, Ending.COMPLETE)
    assert len(await ledger.open()) == 1
    second = replace(asked, attempt=2)
    await ledger.answering(second, "r2")
    await ledger.posted(second, "r2", "m2", 3)
    [left] = await ledger.open()
    assert (left.known, left.earlier) == (("m2",), ("m1",))


@pytest.mark.parametrize(
    ("ending", "retry"),
    [
        (Ending.COMPLETE, False),
        (Ending.STOPPED, True),
        (Ending.FAILED, True),
        (Ending.INTERRUPTED, True),
        (Closed.REFUSED, False),
        (Closed.STOP, False),
        (Closed.GONE, True),
        (Closed.UNTOLD, True),
        (Closed.UNDELIVERABLE, True),
    ],
)
async def test_what_can_be_tried_again(
    ledger: Ledger, ending: Ending | Closed, retry: bool
) -> None:
    await ledger.admit(question(1))
    await ledger.delivered("q1", 1, ending)
    assert bool(await ledger.again("q1")) is retry


async def test_a_thread_is_ours_once_something_was_asked_there(ledger: Ledger) -> None:
    first, second = question(1, place=THREAD), question(2, place=THREAD)
    assert await ledger.admit(second, if_we_spoke_there=True) is Admission.STRANGE
    await ledger.admit(first)
    assert await ledger.admit(second, if_we_spoke_there=True) is Admission.NEW
    elsewhere = question(3, place=replace(THREAD, thread="18.1"))
    assert await ledger.admit(elsewhere, if_we_spoke_there=True) is Admission.STRANGE
    # Nothing is kept of what was not for us.
    assert not await ledger.knows("q3")


async def test_an_answer_is_found_by_any_of_its_messages(ledger: Ledger) -> None:
    asked = question(1, place=THREAD)
    await ledger.admit(asked)
    await failed(ledger, asked, "m1", "m2")
    for message in ("m1", "m2"):
        found = await ledger.answer_of(message)
        assert found is not None
        assert (found.request_id, found.place) == ("r1", THREAD)
    assert await ledger.answer_of("m3") is None


async def test_a_notice_is_no_answer(ledger: Ledger) -> None:
    await ledger.admit(question(1))
    await ledger.answering(question(1), "r1")
    await ledger.posted(question(1), "r1", "m1", 0)
    await ledger.delivered("q1", 1, Ending.FAILED, notice=True)
    assert await ledger.notices(["m1", "m2"]) == {"m1"}
    assert await ledger.answer_of("m1") is None


async def test_what_is_old_is_forgotten_unless_it_is_open(ledger: Ledger) -> None:
    for number in (1, 2):
        await ledger.admit(question(number))
        await ledger.posted(question(number), "r", f"m{number}", 1)
    await ledger.delivered("q1", 1, Ending.COMPLETE)
    await ledger.forget(datetime.now(UTC) - timedelta(hours=1))
    assert await ledger.knows("q1")
    await ledger.forget(datetime.now(UTC) + timedelta(hours=1))
    assert not await ledger.knows("q1")
    assert await ledger.answer_of("m1") is None
    assert await ledger.answer_of("m2") is not None
    assert [left.asked.id for left in await ledger.open()] == ["q2"]


async def test_places(ledger: Ledger) -> None:
    for number, place in enumerate((THREAD, THREAD, replace(THREAD, channel="C2"))):
        await ledger.admit(question(number, place=place))
    assert [place.channel for place in await ledger.places(EPOCH)] == ["C2", "C1"]
    await ledger.admit(question(9, place=THREAD))
    assert [place.channel for place in await ledger.places(EPOCH)] == ["C1", "C2"]
    assert await ledger.places(datetime.now(UTC) + timedelta(hours=1)) == []


async def test_no_word_of_anybody_is_kept(ledger: Ledger, tmp_path: Path) -> None:
    asked = question(1, "my secret question")
    await ledger.admit(asked)
    await failed(ledger, asked, "m1")
    for file in (tmp_path / "bots").iterdir():
        content = file.read_bytes()
        assert b"secret" not in content
        assert b"Ana" not in content


async def test_a_ledger_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OnbrandError, match="ledger of the bot, cannot be used"):
        Ledger(tmp_path / "file" / "ledger.sqlite")
    (tmp_path / "broken.sqlite").write_bytes(b"no database at all, for sure" * 100)
    with pytest.raises(OnbrandError, match="file is not a database"):
        Ledger(tmp_path / "broken.sqlite")


async def test_a_full_disk_is_one_sentence(ledger: Ledger) -> None:
    await ledger.admit(question(1))

    def fill(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA max_page_count = 1")

    await ledger._do(fill)
    many = asyncio.gather(*(ledger.admit(question(number)) for number in range(2, 500)))
    with pytest.raises(OnbrandError, match="is full"):
        await many


async def test_fifty_at_once_take_milliseconds(ledger: Ledger) -> None:
    async def talk(person: int) -> list[float]:
        seconds = []
        for number in range(20):
            started = time.process_time()
            await ledger.admit(question(1000 * person + number, by=f"U{person}"))
            seconds.append(time.process_time() - started)
        return seconds

    talks = await asyncio.gather(*(talk(person) for person in range(50)))
    seconds = sorted(second for talk in talks for second in talk)
    assert seconds[int(len(seconds) * 0.99)] < 0.5  # of the processor; 0.02 where it was written
