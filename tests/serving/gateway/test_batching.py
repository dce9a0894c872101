"""Batches before the gateway's own answers."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from openai import OpenAI
from openai.types import Batch

from gateway_harness import MisbehavingEngine, running, wait_ready
from onbrand.workspace import Workspace
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.gateway.parts import open_parts


@contextmanager
def gateway(root: Path, engine: MisbehavingEngine, toml: str) -> Iterator[OpenAI]:
    (root / "brand.toml").write_text(toml)
    workspace = Workspace(root)
    with running(engine.app()) as url:
        app = create_app(
            workspace.config.serving,
            workspace.config.brand,
            RemoteEngine(f"{url}/v1"),
            parts=open_parts(workspace),
        )
        with running(app) as address, httpx.Client(trust_env=False) as http:
            wait_ready(address)
            engine.seen.clear()
            yield OpenAI(base_url=f"{address}/v1", api_key="none", http_client=http, max_retries=0)


def submit(client: OpenAI, user: str, count: int) -> Batch:
    file = client.files.create(file=io.BytesIO(lines(user, count)), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )


def wait(client: OpenAI, batch: Batch, until: Callable[[Batch], bool]) -> Batch:
    deadline = time.monotonic() + 30
    while not until(batch):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        batch = client.batches.retrieve(batch.id)
    return batch


def lines(user: str, count: int) -> bytes:
    return b"".join(
        json.dumps(
            {
                "custom_id": str(number),
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"messages": [{"role": "user", "content": f"No. {number}"}], "user": user},
            }
        ).encode()
        + b"\n"
        for number in range(count)
    )


@pytest.mark.slow
def test_a_batch_does_not_get_round_the_limits_of_its_users(tmp_path: Path) -> None:
    engine = MisbehavingEngine()
    with gateway(tmp_path, engine, "[limits]\nuser_per_minute = 2\n") as client:
        batch = submit(client, "ann", 3)
        wait(
            client,
            batch,
            lambda now: bool(now.request_counts and now.request_counts.completed == 2),
        )
        time.sleep(1)  # the third would be answered by now
        batch = client.batches.retrieve(batch.id)
        assert batch.status == "in_progress"
        assert batch.request_counts is not None
        assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 0)
        assert len(engine.seen) == 2


@pytest.mark.slow
def test_a_line_that_gets_no_answer_uses_up_no_quota(tmp_path: Path) -> None:
    engine = MisbehavingEngine()
    with gateway(tmp_path, engine, "[limits]\nuser_per_day = 1\n") as client:
        engine.mode = "500"
        batch = submit(client, "ann", 1)
        wait(client, batch, lambda now: len(engine.seen) == 2)  # it is asked three times
        engine.mode = "well"
        done = wait(client, batch, lambda now: now.status == "completed")
        assert done.request_counts is not None
        assert done.request_counts.completed == 1


@pytest.mark.slow
def test_a_line_that_the_engine_has_no_room_for_waits(tmp_path: Path) -> None:
    engine = MisbehavingEngine(retry_after="1")
    with gateway(tmp_path, engine, "") as client:
        engine.mode = "429"
        batch = submit(client, "ann", 1)
        wait(client, batch, lambda now: len(engine.seen) == 4)  # a failure is asked three times
        engine.mode = "well"
        done = wait(client, batch, lambda now: now.status == "completed")
        assert done.request_counts is not None
        assert (done.request_counts.completed, done.request_counts.failed) == (1, 0)
