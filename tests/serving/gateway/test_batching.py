"""Batches before the gateway's own answers."""

import io
import json
import time
from pathlib import Path

import pytest
from openai import OpenAI

from gateway_harness import MisbehavingEngine, running, wait_ready
from onbrand.workspace import Workspace
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.gateway.parts import open_parts


@pytest.mark.slow
def test_a_batch_does_not_get_round_the_limits_of_its_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    (tmp_path / "brand.toml").write_text("[limits]\nuser_per_minute = 2\n")
    workspace, engine = Workspace(tmp_path), MisbehavingEngine()
    with running(engine.app()) as url:
        app = create_app(
            workspace.config.serving,
            workspace.config.brand,
            RemoteEngine(f"{url}/v1"),
            parts=open_parts(workspace),
        )
        with running(app) as address:
            wait_ready(address)
            engine.seen.clear()
            client = OpenAI(base_url=f"{address}/v1", api_key="none")
            file = client.files.create(file=io.BytesIO(lines("ann", 3)), purpose="batch")
            batch = client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            deadline = time.monotonic() + 30
            while True:
                batch = client.batches.retrieve(batch.id)
                counts = batch.request_counts
                if counts and counts.completed == 2:
                    break
                assert time.monotonic() < deadline
                time.sleep(0.1)
            time.sleep(1)  # the third would be answered by now
            batch = client.batches.retrieve(batch.id)
            assert batch.status == "in_progress"
            assert batch.request_counts is not None
            assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 0)
            assert len(engine.seen) == 2


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
