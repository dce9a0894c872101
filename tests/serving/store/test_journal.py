"""No note is lost and none counts twice, whatever dies and whenever."""

import asyncio
import os
import time
from contextlib import suppress

import psutil
import pytest
from sqlalchemy import text

from onbrand.workspace import Workspace
from serving.store import journal
from serving.store.database import StoreUnavailableError
from serving.store.segments import segments
from serving.store.store import Store, open_store
from tests.serving.servers import Server

pytestmark = pytest.mark.anyio


def note(store: Store, user: str = "ann", tokens: int = 3) -> None:
    store.usage.record(user=user, key_id="", model="tea", prompt_tokens=2, completion_tokens=tokens)


async def totals(store: Store, user: str = "ann") -> tuple[int, int]:
    rows = (await store.personal.export(user))["usage"]
    return sum(row["requests"] for row in rows), sum(row["completion_tokens"] for row in rows)


async def test_notes_add_up_by_user_and_day(workspace: Workspace) -> None:
    async with open_store(workspace) as store:
        for _ in range(3):
            note(store)
            note(store, "bob", 5)
            await store.journal.flush()
        assert await totals(store) == (3, 9)
        assert await totals(store, "bob") == (3, 15)
        assert segments(workspace.root / "logs" / "journal") == []


async def test_a_segment_that_is_written_already_is_not_written_again(workspace: Workspace) -> None:
    """Killed between the commit and the end of the file."""
    async with open_store(workspace) as store:
        note(store)
        (segment,) = (workspace.root / "logs" / "journal").glob("*.jsonl")
        kept = segment.read_bytes()
        await store.journal.flush()
        segment.write_bytes(kept)
    async with open_store(workspace) as store:
        await store.journal.flush()
        assert await totals(store) == (1, 3)
        assert not segment.exists()


async def test_postgresql_goes_and_comes_back(
    workspace: Workspace, postgres_server: Server
) -> None:
    if not os.environ.get("ONBRAND_STORE_URL"):
        pytest.skip("about PostgreSQL")
    async with open_store(workspace) as store:
        running = asyncio.create_task(store.journal.run())
        for number in range(300):
            note(store)
            if number == 100:
                postgres_server.stop()
            if number == 200:
                postgres_server.start()
            await asyncio.sleep(0.005)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        with suppress(StoreUnavailableError):
            await store.journal.flush()
        await store.journal.flush()
        assert await totals(store) == (300, 900)


async def test_a_database_that_is_gone_is_called_unavailable(
    workspace: Workspace, postgres_server: Server
) -> None:
    if not os.environ.get("ONBRAND_STORE_URL"):
        pytest.skip("about PostgreSQL")
    async with open_store(workspace) as store:
        postgres_server.stop()
        try:
            with pytest.raises(StoreUnavailableError, match="is unavailable"):
                await store.keys.verify("ob_x")
        finally:
            postgres_server.start()
        assert await store.keys.verify("ob_x") is None


@pytest.mark.slow
async def test_a_database_that_hangs_hangs_nobody(
    workspace: Workspace, postgres_server: Server
) -> None:
    if not os.environ.get("ONBRAND_STORE_URL"):
        pytest.skip("about PostgreSQL")
    assert postgres_server.process
    async with open_store(workspace) as store:
        await store.keys.verify("ob_x")  # so that a connection is there
        server = psutil.Process(postgres_server.process.pid)
        stopped = [server, *server.children(recursive=True)]
        for process in stopped:
            process.suspend()
        try:
            before = time.monotonic()
            with pytest.raises(StoreUnavailableError, match="is unavailable: TimeoutError"):
                async with store.database.transaction(1) as session:
                    await session.execute(text("SELECT 1"))
            # psycopg gives the server ten seconds more, to cancel what it may be doing.
            assert time.monotonic() - before < 14
            note(store)
        finally:
            for process in stopped:
                process.resume()
        await store.journal.flush()
        assert await totals(store) == (1, 3)


async def test_what_no_database_takes_holds_up_nothing(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(workspace) as store:
        note(store)
        note(store, "bob", 10**30)
        store.journal.write({"kind": "usage", "user": "carl"})
        note(store)
        await store.journal.flush()
        assert await totals(store) == (2, 6)
        assert await totals(store, "bob") == (0, 0)
        assert store.journal._closed == []
    assert [record.message for record in caplog.records if record.name == "onbrand.store"] == [
        "A note (usage) cannot be kept: " + kind
        for kind in (
            ("DataError." if os.environ.get("ONBRAND_STORE_URL") else "OverflowError."),
            "KeyError.",
        )
    ]


async def test_text_that_postgresql_would_refuse(workspace: Workspace) -> None:
    async with open_store(workspace) as store:
        messages = [{"role": "user", "content": "nul \0, half \ud83d"}]
        store.conversations.record(
            request_id="r", user="ann", messages=messages, answer="nul \0, half \ud83d, whole 🧂"
        )
        await store.journal.flush()
        await store.feedback.add(request_id="r", user="ann", rating="up", text="nul \0")
        kept = await store.personal.export("ann")
    assert kept["conversations"][0]["messages"] == messages
    assert kept["conversations"][0]["answer"] == "nul \ufffd, half ?, whole 🧂"
    assert kept["feedback"][0]["text"] == "nul \ufffd"


async def test_a_folder_that_cannot_be_written_keeps_usage_all_the_same(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    (workspace.root / "logs").write_text("in the way")
    async with open_store(workspace) as store:
        for _ in range(3):
            note(store)
        assert len(caplog.messages) == 1
        assert "cannot be written" in caplog.text
        await store.journal.flush()
        (workspace.root / "logs").unlink()
        assert await totals(store) == (3, 9)


async def test_memory_is_not_without_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.store.journal._KEPT_BYTES", 2000)
    (workspace.root / "logs").write_text("in the way")
    async with open_store(workspace) as store:
        for number in range(20):
            note(store)
            store.conversations.record(
                request_id=str(number), user="ann", messages=[], answer="x" * 1000
            )
        await store.journal.flush()
        (workspace.root / "logs").unlink()
        kept = await store.personal.export("ann")
        assert 0 < len(kept["conversations"]) < 20
        assert await totals(store) == (20, 60)


async def test_an_outage_makes_one_file_grow_not_many(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workspace.root / "logs" / "journal"
    async with open_store(workspace) as store:
        with monkeypatch.context() as away:
            away.setattr(store.journal, "_bring_once", unavailable)
            for _ in range(10):
                note(store)
                with pytest.raises(StoreUnavailableError):
                    await store.journal.flush()
            assert len(list(folder.glob("*.jsonl"))) == 2
            away.setattr("serving.store.journal._SEGMENT_BYTES", 100)
            for _ in range(3):
                note(store)
            assert len(list(folder.glob("*.jsonl"))) == 4
        await store.journal.flush()
        assert await totals(store) == (13, 39)
        assert list(folder.glob("*.jsonl")) == []
        assert store.journal._closed == []


async def unavailable(*_: object) -> None:
    raise StoreUnavailableError("away")


async def test_torn_and_foreign_lines_are_passed_over(workspace: Workspace) -> None:
    folder = workspace.root / "logs" / "journal"
    folder.mkdir(parents=True)
    (folder / "1.jsonl").write_bytes(b'{"kind": "usage", "us\n\xff\n[1]\n')
    async with open_store(workspace) as store:
        note(store)
        await store.journal.flush()
        assert await totals(store) == (1, 3)


@pytest.mark.parametrize("pieces", range(0, 400, 10))
async def test_ending_amid_a_transaction_ends_at_once_with_all_notes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    """Cancelled half-way it would hold SQLite's lock against the last flush."""
    monkeypatch.setattr(journal, "_PAUSE_SECONDS", 0.01)
    async with open_store(workspace) as store:
        note(store)
        running = asyncio.create_task(store.journal.run())
        while not store.journal._flushing.locked():
            await asyncio.sleep(0)
        for _ in range(pieces):  # a little further each time
            await asyncio.sleep(0)
        started = time.monotonic()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert time.monotonic() - started < 2
        assert await totals(store) == (1, 3)
