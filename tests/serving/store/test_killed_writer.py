"""Whatever is killed and wherever: every note counts, and counts once."""

import asyncio
import multiprocessing
import uuid
from collections import Counter
from multiprocessing.connection import Connection

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from onbrand.workspace import Workspace
from serving.store.database import Database, store_url
from serving.store.store import Store
from tests.serving.store.killed_writer import BRINGING, Death, take_notes

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.serving.store.killed_writer", "aiosqlite", "psycopg"])

Writer = tuple[list[str], Death | None]
deaths = st.builds(Death, st.integers(0, 300)) | st.builds(
    Death, st.integers(0, 60), st.just(BRINGING)
)
writers = st.tuples(
    st.lists(st.sampled_from(["note", "note", "flush"]), min_size=1, max_size=6),
    st.none() | deaths,
)


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=st.lists(st.lists(writers, min_size=1, max_size=2), min_size=1, max_size=3))
def test_every_note_counts_once(workspace: Workspace, rounds: list[list[Writer]]) -> None:
    user = uuid.uuid4().hex
    said: Counter[bytes] = Counter()
    for at_once in rounds:
        started = [start(workspace, user, *writer) for writer in at_once]
        for process, heard in started:
            said.update(until_silent(heard))
            process.join()
            assert process.exitcode in (0, -9)
    requests, tokens = asyncio.run(totals(workspace, user))
    # Who dies within a note has either taken it or not.
    assert said[b")"] <= requests <= said[b"("]
    assert tokens == 3 * requests


def start(
    workspace: Workspace, user: str, steps: list[str], death: Death | None
) -> tuple[multiprocessing.Process, Connection]:
    heard, told = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(
        target=take_notes,
        args=(workspace.root, store_url(workspace), user, steps, death, told),
    )
    process.start()
    told.close()
    return process, heard


def until_silent(heard: Connection) -> list[bytes]:
    said = []
    with heard:
        while True:
            try:
                said.append(heard.recv_bytes())
            except EOFError:
                return said


async def totals(workspace: Workspace, user: str) -> tuple[int, int]:
    """After another process has taken up what was left behind."""
    store = Store(workspace, Database(store_url(workspace)))
    await store.journal.flush()
    rows = (await store.personal.export(user))["usage"]
    await store.database.engine.dispose()
    return sum(r["requests"] for r in rows), sum(r["completion_tokens"] for r in rows)


def test_killed_at_each_line_between_the_file_and_the_database(workspace: Workspace) -> None:
    survived = False
    lines = 0
    while not survived:
        user = uuid.uuid4().hex
        process, heard = start(workspace, user, ["note", "flush"], Death(lines, BRINGING))
        assert until_silent(heard) == [b"(", b")"]
        process.join()
        assert asyncio.run(totals(workspace, user)) == (1, 3), f"killed at line {lines}"
        survived = process.exitcode == 0
        lines += 1
    assert lines > 20
