"""What the gateway counts on, asked of every engine alike."""

import asyncio
import json
import os
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from serving.engine.client import EngineClient, EngineRefusedError
from serving.engine.local import LocalEngine
from serving.engine.protocol import Engine, RemoteEngine
from serving.engine.readiness import Readiness
from serving.engine.transformers_serve import start_transformers
from tests.serving.engine.contenders import (
    PROMPTS,
    ask,
    await_engine,
    raw,
    reply,
    save_random_adapter,
    with_client,
)
from tests.serving.engine.neighbour import listening, neighbour

STORY = "Tell me a very long story about the sea."


REAL = ["transformers", pytest.param("vllm", marks=pytest.mark.slow)]
REAL += [pytest.param("remote", marks=pytest.mark.slow)]
ALL = [*REAL, "fake"]


every_engine = pytest.mark.parametrize("engine", ALL, indirect=True)
local_engine = pytest.mark.parametrize("engine", REAL[:2], indirect=True)
real_engine = pytest.mark.parametrize("engine", REAL, indirect=True)


@every_engine
def test_it_lists_its_model(engine: Engine) -> None:
    with raw(engine) as http:
        listed = [model["id"] for model in http.get("models").json()["data"]]
    assert (engine.model or listed[0]) in listed


@every_engine
def test_it_streams(engine: Engine) -> None:
    """Our client makes one of what arrives together; the server sends it piece by piece."""
    asked = {"messages": [{"role": "user", "content": "Hello"}], "stream": True, "max_tokens": 8}
    with raw(engine) as http:
        model = engine.model or http.get("models").json()["data"][0]["id"]
        lines = http.post("chat/completions", json={**asked, "model": model}).text.split("\n")
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    said = [event["choices"][0]["delta"].get("content") for event in events if event["choices"]]
    assert sum(map(bool, said)) > 1


@every_engine
def test_a_streamed_answer(engine: Engine) -> None:
    said = ask(engine)
    assert said.text
    assert said.finish_reason in ("stop", "length")
    assert said.usage is not None
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens


@real_engine
def test_a_whole_answer_is_the_streamed_one(engine: Engine) -> None:
    with raw(engine) as http:
        body = {
            "model": engine.model or http.get("models").json()["data"][0]["id"],
            "messages": [{"role": "user", "content": "Hello"}],
            "temperature": 0.0,
            "max_tokens": 8,
            **engine.extra_fields(0.0),
        }
        whole = http.post("chat/completions", json=body).json()
    streamed = ask(engine)
    assert whole["choices"][0]["message"]["content"].rstrip("\ufffd") == streamed.text
    assert whole["choices"][0]["finish_reason"] == streamed.finish_reason
    assert streamed.usage is not None
    assert whole["usage"]["completion_tokens"] == streamed.usage.completion_tokens


@real_engine
@pytest.mark.parametrize("tokens", [1, 5])
def test_an_answer_is_as_long_as_was_asked(engine: Engine, tokens: int) -> None:
    said = ask(engine, STORY, max_tokens=tokens)
    assert said.finish_reason == "length"
    assert said.usage is not None
    assert said.usage.completion_tokens == tokens


@real_engine
def test_a_stop_text_ends_the_answer(engine: Engine) -> None:
    """With or without the stop text itself, which the gateway cuts off."""
    free = ask(engine, STORY, max_tokens=12)
    stop = free.text[4:8]
    stopped = ask(engine, STORY, max_tokens=12, stop=[stop])
    assert stopped.text.startswith(free.text[: free.text.index(stop)])
    assert len(stopped.text) < len(free.text)
    assert stopped.finish_reason == "stop"


@real_engine
def test_greedy_is_the_same_each_time(engine: Engine) -> None:
    assert ask(engine, STORY).text == ask(engine, STORY).text != ""


@real_engine
def test_a_seed_repeats_an_answer_and_sampling_does_not(engine: Engine) -> None:
    sampled = {"temperature": 1.5, "max_tokens": 12}
    texts = [ask(engine, STORY, **sampled, seed=seed).text for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]
    assert ask(engine, STORY, **sampled).text != ask(engine, STORY, **sampled).text


@real_engine
@pytest.mark.parametrize(
    "text", ["آپ کیا بیچتے ہیں؟", "🧂🧂🧂", "日本のお茶", "\u2028\u0000 \t\r\n"]
)
def test_any_unicode_arrives(engine: Engine, text: str) -> None:
    said = ask(engine, text)
    assert said.usage is not None
    longer = ask(engine, text * 2)
    assert longer.usage is not None
    assert longer.usage.prompt_tokens > said.usage.prompt_tokens
    assert "\ufffd" not in said.text


@real_engine
def test_a_system_message_is_read(engine: Engine) -> None:
    def told(system: str) -> tuple[str, int]:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": "Hello"}]
        said = ask(engine, messages=messages)
        assert said.usage is not None
        return said.text, said.usage.prompt_tokens

    short, long = told("Speak."), told("Speak like a pirate, and only of treasure. Arr!")
    assert short[1] < long[1]
    assert short[0] != long[0]


@every_engine
def test_two_at_once_get_their_own_answers(engine: Engine) -> None:
    async def both(client: EngineClient) -> list[str]:
        said = await asyncio.gather(reply(client, "Hello"), reply(client, STORY))
        return [one.text for one in said]

    alone = [ask(engine, "Hello").text, ask(engine, STORY).text]
    assert with_client(engine, both) == alone


@real_engine
def test_a_closed_stream_ends_the_work_within_a_second(engine: Engine) -> None:
    """Seen by the engine's own count, or by how soon one that works on one at a time is free."""

    async def abandon(client: EngineClient) -> float:
        asked = {
            "messages": [{"role": "user", "content": STORY}],
            "stream": True,
            "temperature": 0.0,
            "max_tokens": 900,
        }
        stream = client.stream(asked)
        while not (await anext(stream)).text:
            pass
        counted = await client.running()
        assert counted in (1, None)
        started = time.monotonic()
        await stream.aclose()
        if counted is None:
            await client.probe()
        else:
            while await client.running():
                await asyncio.sleep(0.02)
        return time.monotonic() - started

    seconds = with_client(engine, abandon)
    print(f"free again after {seconds:.2f} s")
    assert seconds < 1


@real_engine
def test_a_prompt_that_does_not_fit_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineRefusedError, match="tokens") as refused:
        ask(engine, "long " * 3000)
    assert refused.value.status == 400
    assert ask(engine).text, "and the next one is answered"


def test_transformers_ends_an_answer_where_the_context_ends(transformers: Engine) -> None:
    """vLLM refuses such a request instead."""
    limit = 2048  # the tiny Llama's max_position_embeddings
    said = ask(transformers, "long " * (limit - 100), max_tokens=500)
    assert said.finish_reason == "length"
    assert said.usage is not None
    assert said.usage.total_tokens == limit


@real_engine
def test_nothing_that_was_said_is_in_its_log(
    request: pytest.FixtureRequest, engine: Engine
) -> None:
    said = ask(engine, "marker-of-the-prompt", max_tokens=12)
    local = engine if isinstance(engine, LocalEngine) else request.getfixturevalue("vllm")
    log = local._process.log.read_text(errors="replace")
    assert log
    assert "marker-of-the-prompt" not in log
    assert said.text not in log


@local_engine
def test_it_listens_on_loopback_only(engine: LocalEngine) -> None:
    addresses = listening(engine.pid)
    assert ("127.0.0.1", urlsplit(engine.base_url).port) in addresses
    assert {host for host, _ in addresses} == {"127.0.0.1"}


@local_engine
def test_no_port_of_it_is_reachable_from_another_network_namespace(engine: LocalEngine) -> None:
    with neighbour() as there, socket.create_server(("0.0.0.0", 0)) as open_port:
        assert there.reaches(open_port.getsockname()[1]), "the cable works"
        assert not any(there.reaches(port) for _, port in listening(engine.pid))


@pytest.mark.slow
def test_vllm_answers_only_with_its_key(vllm: Engine) -> None:
    assert len(vllm.api_key) > 30
    root = vllm.base_url.removesuffix("/v1")
    question = {"model": vllm.model, "messages": [{"role": "user", "content": "Hello"}]}
    for path in ("/v1/chat/completions", "/invocations", "/tokenize", "/nowhere"):
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            said = httpx.post(root + path, headers=headers, json=question, trust_env=False)
            assert said.status_code == 401
    assert httpx.get(f"{root}/metrics", trust_env=False).is_success
    with pytest.raises(EngineRefusedError, match="401"):
        ask(RemoteEngine(vllm.base_url, model=vllm.model, api_key="wrong"))


@pytest.mark.slow
def test_vllm_takes_an_adapter_while_it_runs(vllm: Engine, smollm2: Path, tmp_path: Path) -> None:
    save_random_adapter(smollm2, tmp_path)
    with raw(vllm) as http:
        body = {"lora_name": "a-brand", "lora_path": str(tmp_path)}
        assert http.post("load_lora_adapter", json=body).status_code == 200
        try:
            adapted = RemoteEngine(vllm.base_url, model="a-brand", api_key=vllm.api_key)
            assert ask(adapted).text != ask(vllm).text
        finally:
            http.post("unload_lora_adapter", json={"lora_name": "a-brand"})
    with pytest.raises(EngineRefusedError, match="404"):
        ask(adapted)


@pytest.mark.slow
def test_greedy_text_is_the_same_from_both_engines(
    vllm: Engine, smollm2: Path, tmp_path: Path
) -> None:
    def answers(engine: Engine) -> list[str]:
        return [ask(engine, prompt, max_tokens=24).text for prompt in PROMPTS]

    with start_transformers(smollm2, tmp_path) as other:
        await_engine(other)
        expected = answers(other)
    assert answers(vllm) == expected
    assert len(set(expected)) > 15


@pytest.mark.slow
def test_a_killed_vllm_comes_back_and_leaves_nothing_behind(vllm: LocalEngine) -> None:
    """The last test with it: its workers, which outlive a killed server, must go too."""

    async def scenario(client: EngineClient) -> float:
        readiness = Readiness()
        watching = asyncio.create_task(readiness.watch(client))
        while readiness.state != "ready":
            await asyncio.sleep(0.1)
        workers = psutil.Process(vllm.pid).children(recursive=True)
        assert workers
        os.kill(vllm.pid, signal.SIGKILL)
        killed = time.monotonic()
        while readiness.state == "ready":
            await asyncio.sleep(0.01)
        assert readiness.state == "restarting"
        while readiness.state != "ready":
            assert time.monotonic() - killed < 400, readiness.reason
            await asyncio.sleep(0.1)
        assert not [one for one in workers if one.is_running() and one.status() != "zombie"]
        assert (await reply(client)).text
        watching.cancel()
        return time.monotonic() - killed

    print(f"recovered in {with_client(vllm, scenario):.0f} s")
