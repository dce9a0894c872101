"""What the gateway stands on goes and comes back while people ask."""

import asyncio
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gateway_harness import BRAND, MisbehavingEngine, free_port, running, wait_ready
from onbrand.workspace import Workspace
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.gateway.parts import open_parts
from serving.limits.configured import REDIS_URL
from serving.store.database import STORE_URL
from serving.store.store import open_store
from tests.serving.servers import Server, postgres, postgres_url, redis, redis_url

CHAT = "/v1/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "Hello"}], "user": "ann"}
TOML = """
[serving]
require_key = true
[store]
usage = true
[limits]
user_per_minute = 100000
"""


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="onbrand-postgres-") as folder:
        server = postgres(Path(folder))
        server.start()
        monkeypatch.setenv(STORE_URL, postgres_url(server))
        yield server
        server.stop()


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = redis(tmp_path)
    server.start()
    monkeypatch.setenv(REDIS_URL, redis_url(server))
    yield server
    server.stop()


@pytest.mark.slow
def test_postgresql_and_redis_stop_and_start_under_load(
    tmp_path: Path, database: Server, counters: Server
) -> None:
    (tmp_path / "brand.toml").write_text(TOML)
    workspace = Workspace(tmp_path)
    key = asyncio.run(new_key(workspace))
    statuses: Counter[int] = Counter()
    slowest = 0.0
    done = threading.Event()

    def ask(url: str) -> None:
        nonlocal slowest
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, trust_env=False, timeout=30, headers=headers) as client:
            while not done.is_set():
                asked = time.monotonic()
                response = client.post(CHAT, json=QUESTION)
                slowest = max(slowest, time.monotonic() - asked)
                statuses[response.status_code] += 1
                if response.status_code == 503:
                    assert response.headers["Retry-After"]
                    time.sleep(0.05)

    with running(MisbehavingEngine().app()) as engine_url:
        engine = RemoteEngine(f"{engine_url}/v1")
        app = create_app(workspace.config.serving, BRAND, engine, parts=open_parts(workspace))
        with running(app) as url:
            wait_ready(url)
            people = [threading.Thread(target=ask, args=[url]) for _ in range(4)]
            for person in people:
                person.start()
            for server in (counters, database):
                time.sleep(1)
                server.stop()
                time.sleep(1.5)
                server.start()
            time.sleep(2.5)
            answered_late = statuses[200]
            time.sleep(1)
            assert statuses[200] > answered_late  # it is back
            done.set()
            for person in people:
                person.join(30)

    print(statuses, f"slowest {slowest:.2f} s")
    assert set(statuses) <= {200, 503}
    assert statuses[503] > 0  # keys could not be checked for a while
    assert slowest < 10
    assert asyncio.run(requests_noted(workspace)) == statuses[200]


@pytest.mark.slow
def test_metrics_tell_that_the_store_is_away(tmp_path: Path, database: Server) -> None:
    (tmp_path / "brand.toml").write_text(TOML)
    workspace = Workspace(tmp_path)
    both, chat = asyncio.run(new_key(workspace, "metrics", "chat")), asyncio.run(new_key(workspace))
    engine = RemoteEngine(f"http://127.0.0.1:{free_port()}/v1")
    app = create_app(workspace.config.serving, BRAND, engine, parts=open_parts(workspace))
    with running(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=10) as client:

        def get(path: str, key: str) -> httpx.Response:
            return client.get(path, headers={"Authorization": f"Bearer {key}"})

        assert 'onbrand_part_up{part="store"} 1.0' in get("/metrics", both).text
        assert get("/metrics", chat).status_code == 403
        database.stop()
        for _ in range(2):
            assert 'onbrand_part_up{part="store"} 0.0' in get("/metrics", both).text
        assert get("/metrics", "ob_unknown").status_code == 503
        assert get("/metrics", chat).status_code == 403
        assert get("/v1/models", both).status_code == 503  # all else needs to be known for sure
        database.start()
        assert 'onbrand_part_up{part="store"} 1.0' in get("/metrics", both).text
        asyncio.run(revoke(workspace, both))
        assert get("/metrics", both).status_code == 401
        database.stop()
        assert get("/metrics", both).status_code == 503


async def new_key(workspace: Workspace, *scopes: str) -> str:
    async with open_store(workspace) as store:
        return (await store.keys.create("load", [*(scopes or ["chat"])]))[1]


async def revoke(workspace: Workspace, key: str) -> None:
    async with open_store(workspace) as store:
        found = await store.keys.verify(key)
        assert found
        await store.keys.revoke(found.id)


async def requests_noted(workspace: Workspace) -> int:
    async with open_store(workspace) as store:
        await store.journal.flush()
        return sum(row["requests"] for row in (await store.personal.export("ann"))["usage"])


@pytest.mark.slow
def test_sigterm_with_twenty_streams_open(tmp_path: Path) -> None:
    engine = MisbehavingEngine(pause=0.5, words=[f" word{number}" for number in range(20)])
    with running(engine.app()) as engine_url, ThreadPoolExecutor(20) as pool:
        port = free_port()
        (tmp_path / "brand.toml").write_text(
            f'[brand]\nname = "S"\n[serving]\nengine = "remote"\nengine_url = "{engine_url}/v1"\n'
            f"port = {port}\n"
        )
        command = [sys.executable, "-m", "onbrand", "-w", str(tmp_path), "serve"]
        process = subprocess.Popen(command, cwd=Path(__file__).parents[3])
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_listening(url)
            wait_ready(url)
            engine.seen.clear()
            asked = {**QUESTION, "stream": True}
            streams = [
                pool.submit(httpx.post, url + CHAT, json=asked, timeout=60, trust_env=False)
                for _ in range(20)
            ]
            while len(engine.seen) < 20:
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            while (ready := httpx.get(f"{url}/ready", trust_env=False)).status_code == 200:
                time.sleep(0.02)
            assert ready.status_code == 503
            assert "shutting down" in ready.json()["reason"]
            late = httpx.post(url + CHAT, json=QUESTION, trust_env=False)
            assert late.status_code == 503
            assert late.headers["Retry-After"]
            for stream in streams:
                text = stream.result().text
                assert text.endswith("data: [DONE]\n\n")
                assert text.count(" word") == 20
            assert process.wait(20) == 0
        finally:
            process.kill()


def wait_until_listening(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{url}/health", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")
