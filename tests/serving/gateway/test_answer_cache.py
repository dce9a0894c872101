"""The same question twice: what may be answered from before, in memory and in Redis alike."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway_harness import MisbehavingEngine, running, wait_ready
from onbrand.workspace import Workspace
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.gateway.parts import open_parts
from tests.serving.servers import redis, redis_url

GREEDY = {"messages": [{"role": "user", "content": "What do you sell?"}], "temperature": 0}


@pytest.fixture
def engine() -> MisbehavingEngine:
    return MisbehavingEngine()


@pytest.fixture(params=["memory", "redis"])
def gateway(
    request: pytest.FixtureRequest, engine: MisbehavingEngine, tmp_path: Path
) -> Iterator[str]:
    limits = ""
    cleanup = ExitStack()
    if request.param == "redis":
        (tmp_path / "redis").mkdir()
        server = redis(tmp_path / "redis")
        server.start()
        cleanup.callback(server.stop)
        limits = f'[limits]\nredis_url = "{redis_url(server)}"\n'
    (tmp_path / "brand.toml").write_text(
        f'[brand]\nname = "Salt"\n[serving]\ncache_seconds = 60\n{limits}'
    )
    workspace = Workspace(tmp_path)
    with cleanup, running(engine.app()) as url:
        app = create_app(
            workspace.config.serving,
            workspace.config.brand,
            RemoteEngine(f"{url}/v1"),
            "a-hash",
            parts=open_parts(workspace),
        )
        with running(app) as address:
            wait_ready(address)
            engine.seen.clear()
            yield address


def ask(gateway: str, **fields: Any) -> httpx.Response:
    url = f"{gateway}/v1/chat/completions"
    answer = httpx.post(url, json={**GREEDY, **fields}, timeout=20, trust_env=False)
    return answer.raise_for_status()


def lookups(gateway: str) -> dict[str, float]:
    lines = httpx.get(f"{gateway}/metrics", trust_env=False).text.splitlines()
    found = [line for line in lines if line.startswith("onbrand_cache_lookups_total{")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in found}


@pytest.mark.slow
def test_a_greedy_answer_is_given_again(gateway: str, engine: MisbehavingEngine) -> None:
    first, second = ask(gateway).json(), ask(gateway).json()
    assert len(engine.seen) == 1
    for kept in ("choices", "usage"):
        assert first[kept] == second[kept]
    assert first["id"] != second["id"]
    streamed = ask(gateway, stream=True).text
    assert len(engine.seen) == 1
    assert "Salt and pepper" in streamed
    assert streamed.endswith("data: [DONE]\n\n")
    assert lookups(gateway) == {"hit": 2, "miss": 1}


@pytest.mark.slow
def test_what_differs_is_asked_anew(gateway: str, engine: MisbehavingEngine) -> None:
    question = [{"role": "user", "content": "And where?"}]
    for number, fields in enumerate(({}, {"max_tokens": 5}, {"stop": "x"}, {"messages": question})):
        ask(gateway, **fields)
        assert len(engine.seen) == number + 1


@pytest.mark.slow
def test_chance_and_failures_are_not_kept(gateway: str, engine: MisbehavingEngine) -> None:
    ask(gateway, temperature=0.5)
    ask(gateway, temperature=0.5)
    assert len(engine.seen) == 2
    engine.mode = "500"
    url = f"{gateway}/v1/chat/completions"
    assert httpx.post(url, json=GREEDY, trust_env=False).is_error
    engine.mode = "well"
    assert ask(gateway).json()["choices"][0]["message"]["content"]
    assert lookups(gateway) == {"miss": 2}
