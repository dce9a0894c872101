"""Celery workers in processes of their own, with a real Redis; both are killed while they work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_gateway import Script, batch_app, client_of, line, output, submit, wait
from openai import OpenAI
from openai.types import Batch

from gateway_harness import running
from onbrand.workspace import Workspace
from serving.batches.asking import GATEWAY_KEY, GATEWAY_URL
from serving.batches.broker import BROKER_URL
from serving.batches.hand import Reply
from tests.serving.servers import Server, redis, redis_url

pytestmark = pytest.mark.slow
LINES = 40

in_sqlite_alone = pytest.mark.parametrize("either", ["sqlite"], indirect=True)
"""For what has nothing to do with the database."""


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = redis(folder)
    server.start()
    monkeypatch.setenv(BROKER_URL, redis_url(server))
    yield server
    server.stop()


class Workers:
    """`onbrand worker`, as often as it is started."""

    def __init__(self, workspace: Workspace, url: str) -> None:
        self._workspace = workspace
        self._environment = os.environ | {GATEWAY_URL: url, GATEWAY_KEY: "worker"}
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        with (self._workspace.root / "worker.log").open("ab") as log:
            command = [sys.executable, "-m", "onbrand", "-w", str(self._workspace.root), "worker"]
            process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(20)


@pytest.fixture
def url(either: Workspace, broker: Server, script: Script) -> Iterator[str]:
    script.pause = 0.2
    with running(batch_app(either, script)) as url:
        yield url


@pytest.fixture
def client(url: str) -> OpenAI:
    return client_of(url)


@pytest.fixture
def workers(either: Workspace, url: str) -> Iterator[Workers]:
    workers = Workers(either, url)
    yield workers
    workers.stop()


def answered(client: OpenAI, batch: Batch, count: int) -> None:
    def enough(now: Batch) -> bool:
        return now.request_counts is not None and now.request_counts.completed >= count

    wait(client, batch, enough)


def check_complete(client: OpenAI, batch: Batch) -> None:
    done = wait(client, batch, seconds=60)
    assert done.status == "completed"
    assert done.error_file_id is None
    ids = [one["custom_id"] for one in output(client, done.output_file_id)]
    assert ids == [f"id-{n}" for n in range(LINES)]


def batch_of(client: OpenAI) -> Batch:
    return submit(client, [line(f"id-{n}") for n in range(LINES)])


def test_a_killed_worker_is_replaced_and_no_line_is_lost(
    client: OpenAI, script: Script, workers: Workers
) -> None:
    batch = batch_of(client)
    first = workers.start()
    answered(client, batch, 10)
    while script.under_way < 3:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    workers.start()
    check_complete(client, batch)
    again = [said for said, count in script.asked.items() if count > 1]
    assert len(script.asked) == LINES
    assert 1 <= len(again) <= 3  # those under way: [batches] concurrency
    assert script.asked.total() == LINES + len(again)


def test_a_broker_that_loses_everything_loses_no_line(
    client: OpenAI, script: Script, workers: Workers, broker: Server
) -> None:
    batch = batch_of(client)
    workers.start()
    answered(client, batch, 10)
    broker.stop(signal.SIGKILL)  # it keeps nothing on the disk
    time.sleep(2)
    broker.start()
    check_complete(client, batch)
    assert script.asked.total() == LINES


@in_sqlite_alone
def test_a_worker_finishes_what_it_asks_when_it_is_told_to_stop(
    client: OpenAI, script: Script, workers: Workers
) -> None:
    batch = batch_of(client)
    worker = workers.start()
    answered(client, batch, 5)
    worker.terminate()
    assert worker.wait(20) == 0
    assert script.stopped == 0
    asked = script.asked.total()
    assert asked < LINES
    workers.start()
    check_complete(client, batch)
    assert set(script.asked.values()) == {1}


@in_sqlite_alone
def test_cancelling_reaches_the_workers(client: OpenAI, script: Script, workers: Workers) -> None:
    script.reply = lambda body, before: Reply(200, {})
    batch = batch_of(client)
    workers.start()
    answered(client, batch, 5)
    script.pause = 60
    time.sleep(0.6)
    client.batches.cancel(batch.id)
    started = time.monotonic()
    done = wait(client, batch)
    assert done.status == "cancelled"
    assert time.monotonic() - started < 2
    time.sleep(1)
    asked = script.asked.total()
    time.sleep(1)
    assert script.asked.total() == asked < LINES


def test_a_worker_without_a_broker_says_what_to_do(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "onbrand", "-w", str(workspace.root), "worker"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "batches.broker_url" in done.stderr
