"""Keys, quotas and feedback, through the gateway with its real store."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from gateway_harness import BRAND, MisbehavingEngine, running, wait_ready
from onbrand.workspace import Workspace
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.gateway.parts import open_parts
from serving.store.store import Store, open_store
from tests.serving.batches.batch_gateway import client_of, line, output, submit, wait

CHAT = "/v1/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "a question nobody should log"}]}


@contextmanager
def gateway(
    root: Path, toml: str, misbehaving: MisbehavingEngine | None = None
) -> Iterator[httpx.Client]:
    (root / "brand.toml").write_text(toml)
    workspace = Workspace(root)
    with running((misbehaving or MisbehavingEngine()).app()) as engine_url:
        engine = RemoteEngine(f"{engine_url}/v1")
        app = create_app(workspace.config.serving, BRAND, engine, parts=open_parts(workspace))
        with running(app) as url:
            wait_ready(url)
            with httpx.Client(base_url=url, trust_env=False, timeout=10) as client:
                yield client


def new_key(root: Path, *scopes: str, per_minute: int | None = None) -> str:
    async def create() -> str:
        async with open_store(Workspace(root)) as store:
            return (await store.keys.create("test", list(scopes), per_minute))[1]

    return asyncio.run(create())


def revoke(root: Path) -> None:
    async def end() -> None:
        async with open_store(Workspace(root)) as store:
            await store.keys.revoke("test")

    asyncio.run(end())


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_only_the_right_key_gets_in(tmp_path: Path) -> None:
    with gateway(tmp_path, "[serving]\nrequire_key = true\n") as client:
        missing = client.post(CHAT, json=QUESTION)
        assert missing.status_code == 401
        assert missing.headers["WWW-Authenticate"] == "Bearer"
        assert client.post(CHAT, json=QUESTION, headers=bearer("ob_wrong")).status_code == 401

        other = new_key(tmp_path, "metrics")
        refused = client.post(CHAT, json=QUESTION, headers=bearer(other))
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "missing_scope"
        assert client.get("/metrics", headers=bearer(other)).status_code == 200
        revoke(tmp_path)

        key = new_key(tmp_path, "chat")
        assert client.post(CHAT, json=QUESTION, headers=bearer(key)).status_code == 200
        assert client.get("/v1/models", headers=bearer(key)).status_code == 200
        assert client.get("/metrics", headers=bearer(key)).status_code == 403
        revoke(tmp_path)
        assert client.post(CHAT, json=QUESTION, headers=bearer(key)).status_code == 401
        for path in ("/health", "/ready"):
            assert client.get(path).status_code == 200


def test_a_user_over_the_quota_is_told_when_to_come_back(tmp_path: Path) -> None:
    with gateway(tmp_path, "[limits]\nuser_per_minute = 2\n") as client:
        ann = {"X-Onbrand-User": "ann"}
        assert [client.post(CHAT, json=QUESTION, headers=ann).status_code for _ in "ab"] == [
            200
        ] * 2
        refused = client.post(CHAT, json=QUESTION, headers=ann)
        assert refused.status_code == 429
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert client.post(CHAT, json={**QUESTION, "user": "bob"}).status_code == 200
        assert client.post(CHAT, json=QUESTION).status_code == 200
        counted = client.get("/metrics").text
    assert 'status="429"' in counted


@pytest.mark.parametrize("stream", [False, True])
def test_what_gets_no_answer_uses_up_no_quota(tmp_path: Path, stream: bool) -> None:
    engine = MisbehavingEngine()
    asked = {**QUESTION, "user": "ann", "stream": stream}
    with gateway(tmp_path, "[limits]\nuser_per_day = 2\n", engine) as client:

        def statuses(**changes: object) -> list[int]:
            return [client.post(CHAT, json=asked | changes).status_code for _ in range(3)]

        assert statuses(model="another") == [404] * 3
        engine.mode = "500"
        assert statuses() == [502] * 3
        engine.mode = "well"
        assert statuses() == [200, 200, 429]
        assert statuses(user="bob", model="another") == [404] * 3


def test_who_finds_the_queue_full_keeps_the_quota(tmp_path: Path) -> None:
    toml = "[limits]\nuser_per_day = 1\n[serving]\nconcurrency = 1\nqueue = 0\n"
    engine = MisbehavingEngine()
    with gateway(tmp_path, toml, engine) as client:
        engine.mode = "endless"
        with client.stream("POST", CHAT, json={**QUESTION, "stream": True}) as first:
            pieces = first.iter_text()  # kept: without it the connection would be closed
            next(pieces)
            ann = {**QUESTION, "user": "ann"}
            assert [client.post(CHAT, json=ann).status_code for _ in range(3)] == [503] * 3
        engine.mode = "well"
        while engine.running:
            time.sleep(0.02)
        assert [client.post(CHAT, json=ann).status_code for _ in range(2)] == [200, 429]


def test_an_answer_that_broke_off_has_used_the_quota(tmp_path: Path) -> None:
    engine = MisbehavingEngine()
    with gateway(tmp_path, "[limits]\nuser_per_day = 2\n", engine) as client:
        engine.mode = "cut"
        asked = {**QUESTION, "user": "ann"}
        statuses = [client.post(CHAT, json=asked).status_code for _ in range(3)]
    assert statuses == [502, 502, 429]


def test_tokens_of_a_day_count_after_the_answer(tmp_path: Path) -> None:
    with gateway(tmp_path, "[limits]\nuser_tokens_per_day = 3\n") as client:
        asked = {**QUESTION, "user": "ann"}
        assert client.post(CHAT, json=asked).status_code == 200
        refused = client.post(CHAT, json=asked)
        assert refused.status_code == 429
        assert "tokens" in refused.json()["error"]["message"]


def test_usage_talk_and_opinions_are_kept_when_they_are_wanted(tmp_path: Path) -> None:
    with gateway(tmp_path, "[store]\nusage = true\nconversations = true\n") as client:
        asked = client.post(CHAT, json={**QUESTION, "user": "ann b"})
        whole = client.post(CHAT, json={**QUESTION, "user": "ann b", "stream": True}).text
        assert "[DONE]" in whole
        opinion = {"request_id": asked.headers["X-Request-Id"], "rating": "up", "text": "nice"}
        assert client.post("/v1/feedback", json={**opinion, "user": "ann b"}).status_code == 201
        assert client.post("/v1/feedback", json={**opinion, "rating": "?"}).status_code == 400

    async def kept() -> str:
        async with open_store(Workspace(tmp_path)) as store:
            await store.journal.flush()
            (user,) = {talk[0] for talk in await users(store)}
            return json.dumps(await store.personal.export(user))

    found = json.loads(asyncio.run(kept()))
    assert found["usage"][0]["requests"] == 2
    assert found["usage"][0]["prompt_tokens"] == 2
    assert [talk["answer"] for talk in found["conversations"]] == [
        "Salt and pepper\u2028 STOP here"
    ] * 2
    assert found["feedback"][0]["text"] == "nice"
    assert found["user"] != "ann b"  # no name that could hold anything


async def users(store: Store) -> list[tuple[str]]:
    async with store.database.transaction() as session:
        return [tuple(row) for row in await session.execute(text('SELECT "user" FROM usage'))]


def test_usage_of_a_batch_is_that_of_the_key_that_made_it(tmp_path: Path) -> None:
    toml = "[serving]\nrequire_key = true\n[store]\nusage = true\n[limits]\nkey_per_minute = 1\n"
    with gateway(tmp_path, toml) as http:
        client = client_of(str(http.base_url), new_key(tmp_path, "batches"))
        done = wait(client, submit(client, [line("a"), line("b")]))
        assert len(output(client, done.output_file_id)) == 2

    async def noted() -> list[tuple[str, int]]:
        async with open_store(Workspace(tmp_path)) as store:
            await store.journal.flush()
            wanted = "SELECT name, requests FROM usage JOIN api_keys ON key_id = id"
            async with store.database.transaction() as session:
                return [(name, count) for name, count in await session.execute(text(wanted))]

    assert asyncio.run(noted()) == [("test", 2)]


def test_no_secret_and_no_word_in_any_file_unless_asked(tmp_path: Path) -> None:
    toml = '[serving]\nrequire_key = true\nlog_format = "json"\nlog_file = "logs/gateway.log"\n'
    with gateway(tmp_path, toml) as client:
        key = new_key(tmp_path, "chat", "feedback")
        for _ in range(3):
            assert client.post(CHAT, json=QUESTION, headers=bearer(key)).status_code == 200
        client.post(CHAT, json=QUESTION, headers=bearer("ob_not-a-key"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert key.encode() not in content
            assert b"ob_not-a-key" not in content
            assert b"nobody should log" not in content


@pytest.mark.parametrize("name", ["", "x" * 200, "a b", "a\nb", "ü"])
def test_any_name_of_a_user_is_taken(tmp_path: Path, name: str) -> None:
    with gateway(tmp_path, "[limits]\nuser_per_minute = 1\n") as client:
        first, second = (client.post(CHAT, json={**QUESTION, "user": name}) for _ in "ab")
    assert first.status_code == 200
    assert second.status_code == (429 if name else 200)
