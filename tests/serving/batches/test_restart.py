"""What a gateway's end, time and age do to batches."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from batch_gateway import (
    Script,
    batch_app,
    client_of,
    content_of,
    gateway,
    line,
    output,
    submit,
    wait,
)
from openai import InternalServerError, NotFoundError, OpenAI
from sqlalchemy import create_engine, func, select, text, update

from gateway_harness import free_port, running
from onbrand.workspace import Workspace
from serving.batches.files import Files
from serving.batches.housekeeping import Housekeeping
from serving.batches.lines import Lines
from serving.batches.preparing import Bounds
from serving.batches.tables import BatchRow, ChunkRow, FileRow, LineRow
from serving.store.database import open_database, store_url
from tests.serving.servers import Server

LINES = 80


def some_done(now: object) -> bool:
    counts = getattr(now, "request_counts", None)
    return bool(counts and counts.completed >= 8)


def check_complete(client: OpenAI, batch_id: str) -> None:
    done = wait(client, client.batches.retrieve(batch_id))
    assert done.status == "completed"
    assert done.error_file_id is None
    answers = output(client, done.output_file_id)
    assert [one["custom_id"] for one in answers] == [f"{n}" for n in range(LINES)]
    assert [content_of(one) for one in answers] == [f"say {n}" for n in range(LINES)]


def test_an_orderly_restart_asks_only_the_lines_under_way_again(
    either: Workspace, script: Script
) -> None:
    script.pause = 0.1
    with gateway(either, script) as client:
        batch = submit(client, [line(f"{n}") for n in range(LINES)])
        wait(client, batch, some_done)
    time.sleep(0.3)
    asked = script.asked.total()
    assert asked < LINES
    assert script.under_way == 0
    with gateway(either, script) as client:
        check_complete(client, batch.id)
    assert LINES <= script.asked.total() <= LINES + 3


@contextmanager
def killable(workspace: Workspace, engine: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(Path(__file__).with_name("kill_gateway.py"))]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [*command, str(workspace.root), engine, str(port)], env=os.environ | paths
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/openapi.json", trust_env=False)
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.slow
def test_a_killed_gateway_loses_nothing(
    either: Workspace, script: Script, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script.pause = 0.1
    elsewhere = tmp_path_factory.mktemp("engine")
    (elsewhere / "brand.toml").touch()
    port = free_port()
    client = client_of(f"http://127.0.0.1:{port}")
    with running(batch_app(Workspace(elsewhere), script)) as engine:
        with killable(either, engine, port) as process:
            batch = submit(client, [line(f"{n}") for n in range(LINES)])
            wait(client, batch, some_done)
            process.send_signal(signal.SIGKILL)
        with killable(either, engine, port):
            check_complete(client, batch.id)
    assert set(script.asked) == {f"say {n}" for n in range(LINES)}
    assert script.asked.total() <= LINES + 3


def test_two_gateways_share_one_batch(either: Workspace, script: Script) -> None:
    script.pause = 0.02
    with gateway(either, script) as one, gateway(either, script) as two:
        batch = submit(one, [line(f"{n}") for n in range(LINES)])
        check_complete(two, batch.id)
    assert set(script.asked.values()) == {1}
    assert script.most_at_once > 3


def test_a_batch_that_takes_too_long_expires_and_keeps_what_is_done(
    either: Workspace, script: Script
) -> None:
    script.pause = 0.1
    with gateway(either, script) as client:
        batch = submit(client, [line(f"{n}") for n in range(200)])
        wait(client, batch, some_done)
        change(either, update(BatchRow).values(expires_at=int(time.time())))
        done = wait(client, batch)
        assert done.status == "expired"
        assert done.expired_at
        unasked = output(client, done.error_file_id)
        assert {one["error"]["code"] for one in unasked} == {"batch_expired"}
        assert len(unasked) + len(output(client, done.output_file_id)) == 200


@pytest.mark.slow
@pytest.mark.parametrize("either", ["postgresql"], indirect=True)
def test_a_store_that_is_away_delays_a_batch_and_no_more(
    either: Workspace, script: Script, postgres_server: Server
) -> None:
    script.pause = 0.1
    with gateway(either, script) as client:
        batch = submit(client, [line(f"{n}") for n in range(LINES)])
        wait(client, batch, some_done)
        postgres_server.stop()
        try:
            with pytest.raises(InternalServerError, match="Try again in 5 s") as unavailable:
                client.batches.retrieve(batch.id)
            assert unavailable.value.status_code == 503
            time.sleep(2)
        finally:
            postgres_server.start()
        # It listens a moment before it lets anyone in.
        check_complete(client.with_options(max_retries=3), batch.id)
    assert set(script.asked) == {f"say {n}" for n in range(LINES)}
    assert script.asked.total() <= LINES + 3


def test_a_line_that_ends_whoever_asks_it_is_given_up(client: OpenAI, workspace: Workspace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lines, "claim", nobody)
        batch = submit(client, [line("deadly"), line("well")])
        wait(client, batch, lambda now: now.status == "in_progress")
        deadly = update(LineRow).where(LineRow.number == 1)
        change(workspace, deadly.values(attempts=2, state="running", holder="dead"))
        wait(client, batch, lambda now: bool(now.request_counts and now.request_counts.failed))
    done = wait(client, batch)
    assert [one["custom_id"] for one in output(client, done.output_file_id)] == ["well"]
    (given_up,) = output(client, done.error_file_id)
    assert given_up["response"]["body"]["error"]["code"] == "worker_lost"


async def nobody(_: Lines) -> None:
    """In the place of `Lines.claim`."""


@pytest.mark.anyio
async def test_what_is_too_old_goes_and_leaves_nothing(either: Workspace, script: Script) -> None:
    with gateway(either, script) as client:
        old = wait(client, submit(client, [line("a")]))
        long_ago = int(time.time()) - 31 * 86_400
        change(either, update(BatchRow).values(created_at=long_ago))
        change(either, update(FileRow).values(created_at=long_ago))
        young = wait(client, submit(client, [line("b")]))
        async with open_database(either) as database:
            files = Files(database, 30)
            keeping = Housekeeping(database, files, Bounds(1, 1), None, 30, print)  # type: ignore[arg-type]
            await keeping._delete_old()
            async with database.transaction() as session:
                counts = [
                    (await session.scalars(select(func.count()).select_from(table))).one()
                    for table in (BatchRow, FileRow, ChunkRow, LineRow)
                ]
        assert counts == [1, 2, 2, 0]
        with pytest.raises(NotFoundError):
            client.batches.retrieve(old.id)
        assert [one.id for one in client.batches.list()] == [young.id]
        assert output(client, young.output_file_id)


def change(workspace: Workspace, statement: object) -> None:
    url = store_url(workspace)
    plain = url.set(drivername="sqlite") if "sqlite" in url.drivername else url
    engine = create_engine(plain)
    with engine.begin() as connection:
        connection.execute(text(statement) if isinstance(statement, str) else statement)  # type: ignore[call-overload]
    engine.dispose()
