import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from onbrand.workspace import Workspace
from serving.gateway.access import user_of
from serving.store.database import STORE_URL
from serving.store.segments import Note
from serving.store.store import Store, open_store
from serving.store.users import kept_name
from serving.store.writing import write_notes

pytestmark = pytest.mark.anyio


async def said(store: Store, user: str, request_id: str, answer: str = "Salt.") -> None:
    messages = [{"role": "user", "content": f"question of {user}"}]
    store.conversations.record(request_id=request_id, user=user, messages=messages, answer=answer)
    store.usage.record(user=user, key_id="", model="m", prompt_tokens=1, completion_tokens=1)


async def test_what_is_kept_of_a_person_can_be_seen_and_deleted(workspace: Workspace) -> None:
    async with open_store(workspace) as store:
        await said(store, "ann", "r1")
        await said(store, "bob", "r2")
        await store.journal.flush()
        await store.feedback.add(request_id="r1", user="ann", rating="up", text="nice")
        await said(store, "ann", "r3")  # not in the database yet

        kept = await store.personal.export("ann")
        assert [talk["request_id"] for talk in kept["conversations"]] == ["r1"]
        assert kept["feedback"][0]["text"] == "nice"
        assert len(kept["not_written_yet"]) == 2

        gone = await store.personal.delete("ann")
        assert gone == {"notes": 2, "usage": 1, "conversations": 1, "feedback": 1}
        await store.journal.flush()
        kept = await store.personal.export("ann")
        assert not any(value for name, value in kept.items() if name != "user")
        assert len((await store.personal.export("bob"))["conversations"]) == 1


async def test_what_is_too_old_goes(workspace: Workspace) -> None:
    async with open_store(workspace) as store:
        await said(store, "ann", "r1")
        await store.journal.flush()
        await store.feedback.add(request_id="r1", user="ann", rating="up", text="")
        none = {"usage": 0, "conversations": 0, "feedback": 0}
        assert await store.personal.enforce_retention(30) == none
        later = datetime.now(UTC) + timedelta(days=32)
        one = {"usage": 1, "conversations": 1, "feedback": 1}
        assert await store.personal.enforce_retention(30, later) == one


async def test_nothing_is_written_unless_it_is_asked_for(workspace: Workspace) -> None:
    (workspace.root / "brand.toml").write_text("")
    async with open_store(Workspace(workspace.root)) as store:
        await said(store, "ann", "r1")
        await store.journal.flush()
        kept = await store.personal.export("ann")
    assert not any(value for name, value in kept.items() if name != "user")


async def test_deleted_while_it_is_on_its_way_to_the_database(workspace: Workspace) -> None:
    """The journal has read the note, and not yet written it, when it is to be deleted."""
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(session: AsyncSession, notes: list[Note]) -> None:
        reading.set()
        await go_on.wait()
        await write_notes(session, notes)

    async with open_store(workspace) as store:
        store.journal._write = slowly
        await said(store, "ann", "r1")
        flushing = asyncio.create_task(store.journal.flush())
        await reading.wait()
        deleting = asyncio.create_task(store.personal.delete("ann"))
        await asyncio.sleep(0.1)
        go_on.set()
        await flushing
        assert await deleting == {"notes": 0, "usage": 1, "conversations": 1, "feedback": 0}
        assert (await store.personal.export("ann"))["usage"] == []


async def test_nothing_deleted_is_left_in_a_file(workspace: Workspace) -> None:
    if os.environ.get(STORE_URL):
        pytest.skip("about SQLite's files")
    async with open_store(workspace) as store:
        for number in range(50):
            await said(store, "ann", f"r{number}", f"a-secret-recipe {number} " * 50)
        await store.journal.flush()
        await said(store, "ann", "r", "a-secret-recipe")
        assert "a-secret-recipe" in everything_in(workspace)
        await store.personal.delete("ann")
        assert "a-secret-recipe" not in everything_in(workspace)


def everything_in(workspace: Workspace) -> str:
    files = [path for path in workspace.root.rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("latin-1") for path in files)


def test_the_gateway_keeps_people_under_the_same_names() -> None:
    request = Request({"type": "http", "headers": []})
    for name in ("", "ann", "U123/T9", "Ann Smith", "عائشہ", "x" * 129, "line\nbreak"):
        assert user_of(request, name) == kept_name(name)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_name_in_a_header_is_read_as_it_was_written(encoding: str) -> None:
    header = (b"x-onbrand-user", "Zoë".encode(encoding))
    request = Request({"type": "http", "headers": [header]})
    assert user_of(request, "another") == kept_name("Zoë")
