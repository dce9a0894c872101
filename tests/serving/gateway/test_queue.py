"""More people than the engine has room for: each is answered, or told when to come back."""

import concurrent.futures
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, running, wait_ready
from onbrand.config import Serving
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app

CHAT = "/v1/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}
ANSWER = "Salt and pepper\u2028 STOP here"


@contextmanager
def gateway(engine: MisbehavingEngine, **settings: object) -> Iterator[str]:
    """The engine takes on its mode once the gateway has found it ready."""
    chosen: Serving = SETTINGS.model_copy(update=settings)
    mode, engine.mode = engine.mode, "well"
    with (
        running(engine.app()) as engine_url,
        running(create_app(chosen, BRAND, RemoteEngine(f"{engine_url}/v1"))) as url,
    ):
        wait_ready(url)
        engine.mode = mode
        yield url


@pytest.mark.slow
def test_five_hundred_at_once() -> None:
    engine = MisbehavingEngine(pause=0.01)
    with gateway(engine, concurrency=8, queue=32, timeout_seconds=20.0) as url:
        seconds: list[float] = []
        answered: list[str] = []
        refused: list[httpx.Response] = []
        limits = httpx.Limits(max_connections=None)
        with httpx.Client(base_url=url, trust_env=False, timeout=30, limits=limits) as client:

            def ask(number: int) -> None:
                started = time.monotonic()
                response = client.post(CHAT, json=QUESTION)
                seconds.append(time.monotonic() - started)
                if response.status_code == 200:
                    answered.append(response.json()["choices"][0]["message"]["content"])
                else:
                    refused.append(response)

            with concurrent.futures.ThreadPoolExecutor(500) as pool:
                list(pool.map(ask, range(500)))

    seconds.sort()
    print(f"p50 {seconds[250]:.2f} s, p99 {seconds[495]:.2f} s, {len(answered)} answered")
    assert len(answered) + len(refused) == 500
    assert set(answered) == {ANSWER}
    assert len(answered) >= 40
    for response in refused:
        assert response.status_code == 503, response.text
        assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert seconds[-1] < 25


def test_those_who_wait_are_all_answered() -> None:
    engine = MisbehavingEngine(pause=0.02)
    with (
        gateway(engine, concurrency=1, queue=3) as url,
        concurrent.futures.ThreadPoolExecutor(4) as pool,
    ):
        asked = [
            pool.submit(httpx.post, url + CHAT, json=QUESTION, trust_env=False, timeout=20)
            for _ in range(4)
        ]
        answers = [one.result() for one in asked]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert engine.running == 0


def test_a_client_that_leaves_the_queue_makes_room() -> None:
    engine = MisbehavingEngine(mode="endless")
    with (
        gateway(engine, concurrency=1, queue=1) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
        client.stream("POST", CHAT, json={**QUESTION, "stream": True}) as first,
    ):
        pieces = first.iter_text()  # kept: without it the connection would be closed
        next(pieces)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url + CHAT, json=QUESTION, trust_env=False, timeout=0.3)
        time.sleep(0.2)
        with pytest.raises(httpx.ReadTimeout):  # it waits again: the place was free
            httpx.post(url + CHAT, json=QUESTION, trust_env=False, timeout=0.3)


def test_the_queue_has_a_longest_wait() -> None:
    engine = MisbehavingEngine(mode="endless")
    with (
        gateway(engine, concurrency=1, queue=1, queue_seconds=0.2) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
        client.stream("POST", CHAT, json={**QUESTION, "stream": True}) as first,
    ):
        pieces = first.iter_text()  # kept: without it the connection would be closed
        next(pieces)
        response = client.post(CHAT, json={**QUESTION, "stream": True})
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "queue_timeout"
        assert response.headers["Retry-After"]


def test_a_silent_stream_is_kept_alive() -> None:
    engine = MisbehavingEngine(pause=0.5, words=["Salt", " pepper"])
    with (
        gateway(engine, keep_alive_seconds=0.1) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
        client.stream("POST", CHAT, json={**QUESTION, "stream": True}) as response,
    ):
        text = response.read().decode()
    assert text.count(": keep-alive\n\n") >= 4
    events = [part for part in text.split("\n\n") if part and not part.startswith(":")]
    assert events[-1] == "data: [DONE]"
    assert '"content": "Salt"' in text


@pytest.mark.parametrize("moment", ["before the first word", "in the middle"])
def test_the_engine_stops_within_a_second_of_its_reader(moment: str) -> None:
    engine = MisbehavingEngine(
        mode="hang" if moment == "before the first word" else "endless", pause=0.01
    )
    with gateway(engine, keep_alive_seconds=0.1) as url:
        engine.abandoned.clear()
        with (
            httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
            client.stream("POST", CHAT, json={**QUESTION, "stream": True}) as response,
        ):
            next(response.iter_text())
        assert engine.abandoned.wait(1)
        deadline = time.monotonic() + 1
        while engine.running:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_reader_who_stands_still_loses_the_place() -> None:
    engine = MisbehavingEngine(words=["tea " * 25_000] * 200)
    asked = json.dumps({**QUESTION, "stream": True}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(asked)}\r\n\r\n"
    with (
        gateway(engine, concurrency=1, queue=0, timeout_seconds=2.0) as url,
        socket.socket() as who,
    ):
        who.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        who.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        who.sendall(head.encode() + asked)
        eventually(lambda: engine.running == 1)
        assert httpx.post(url + CHAT, json=QUESTION, trust_env=False).status_code == 503
        engine.words = ["tea"]
        eventually(lambda: engine.running == 0)
        assert httpx.post(url + CHAT, json=QUESTION, trust_env=False).status_code == 200


def eventually(condition: Callable[[], bool], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
def test_a_reader_who_leaves_is_counted_once(stream: bool) -> None:
    engine = MisbehavingEngine(mode="endless")

    def aborts() -> float:
        metrics = httpx.get(f"{url}/metrics", trust_env=False).text
        return float(metrics.split("\nonbrand_aborts_total ")[1].split("\n")[0])

    with (
        gateway(engine) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=0.5) as client,
    ):
        assert client.post(CHAT, json={**QUESTION, "max_tokens": 0}).status_code == 400
        assert aborts() == 0
        if stream:
            with client.stream("POST", CHAT, json={**QUESTION, "stream": True}) as response:
                next(response.iter_text())
        else:
            with pytest.raises(httpx.ReadTimeout):
                client.post(CHAT, json=QUESTION)
        deadline = time.monotonic() + 2
        while not aborts():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.2)
        assert aborts() == 1
