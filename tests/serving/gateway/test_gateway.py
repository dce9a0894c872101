"""The gateway in front of an engine that misbehaves."""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, free_port, running, wait_ready
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app

CHAT = "/v1/chat/completions"
SERVED = {"brand": "saltmarsh-sons", "model": "a-hash"}
QUESTION = {"messages": [{"role": "user", "content": "marker-of-the-prompt"}]}


@pytest.fixture(scope="module")
def engine() -> MisbehavingEngine:
    return MisbehavingEngine()


@pytest.fixture(scope="module")
def gateway_url(engine: MisbehavingEngine) -> Iterator[str]:
    settings = SETTINGS.model_copy(update={"timeout_seconds": 1.0})
    with running(engine.app()) as engine_url:
        app = create_app(settings, BRAND, RemoteEngine(f"{engine_url}/v1", api_key="the-key"))
        with running(app) as url:
            wait_ready(url)
            yield url


@pytest.fixture
def client(gateway_url: str, engine: MisbehavingEngine) -> Iterator[httpx.Client]:
    engine.mode = "well"
    engine.abandoned.clear()
    with httpx.Client(base_url=gateway_url, trust_env=False, timeout=10) as client:
        yield client


def error_of(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    return error


def stream_of(response: httpx.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_a_whole_answer(client: httpx.Client, engine: MisbehavingEngine) -> None:
    answer = client.post(CHAT, json={**QUESTION, "stop": ["STOP"]}).json()

    assert answer["object"] == "chat.completion"
    assert answer["model"] == "saltmarsh-sons"
    message = {"role": "assistant", "content": "Salt and pepper\u2028 ", "refusal": None}
    (choice,) = answer["choices"]
    assert choice == {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert engine.seen[-1]["model"] == "first-model"
    assert engine.headers[-1]["authorization"] == "Bearer the-key"


def test_a_streamed_answer(client: httpx.Client) -> None:
    asked = {**QUESTION, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, usage, done = stream_of(client.post(CHAT, json=asked))

    assert done == "[DONE]"
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 3
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    text = "".join(delta.get("content", "") for delta in deltas)
    assert text == "Salt and pepper\u2028 STOP here"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-2:] == [None, "stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("mode", "status", "says"),
    [
        ("500", 502, "HTTP status 500"),
        ("401", 502, "HTTP status 401"),
        ("html", 502, "not OpenAI's format"),
        ("not json", 502, "not OpenAI's format"),
        ("error event", 502, "failed in the middle"),
        ("hang", 504, "within 1 seconds"),
        ("too long", 400, "9 tokens are too many"),
    ],
)
def test_a_failing_engine(
    client: httpx.Client,
    engine: MisbehavingEngine,
    mode: str,
    status: int,
    says: str,
    stream: bool,
) -> None:
    engine.mode = mode
    response = client.post(CHAT, json={**QUESTION, "stream": stream})

    assert response.status_code == status
    assert says in error_of(response)["message"]
    assert "secret-inside" not in response.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["429", "503"])
def test_an_engine_without_room(
    client: httpx.Client, engine: MisbehavingEngine, mode: str, stream: bool
) -> None:
    engine.mode, engine.retry_after = mode, "7"
    response = client.post(CHAT, json={**QUESTION, "stream": stream})

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "7"
    assert error_of(response)["code"] == "engine_overloaded"
    assert "secret-inside" not in response.text
    assert client.get("/ready").status_code == 200


def test_an_answer_cut_off_in_the_middle(client: httpx.Client, engine: MisbehavingEngine) -> None:
    engine.mode = "cut"
    assert client.post(CHAT, json=QUESTION).status_code == 502

    response = client.post(CHAT, json={**QUESTION, "stream": True})
    _, first, last = stream_of(response)
    assert first["choices"][0]["delta"]["content"] == "Salt"
    assert last["error"]["code"] == "engine_failed"


def test_an_answer_that_does_not_end(client: httpx.Client, engine: MisbehavingEngine) -> None:
    engine.mode = "endless"
    started = time.monotonic()
    *_, last = stream_of(client.post(CHAT, json={**QUESTION, "stream": True}))

    assert last["error"]["code"] == "timeout"
    assert 0.9 < time.monotonic() - started < 5
    assert engine.abandoned.wait(1)


@pytest.mark.parametrize(("mode", "stream"), [("hang", False), ("hang", True), ("endless", True)])
def test_when_the_client_goes_the_engine_is_told_within_a_second(
    engine: MisbehavingEngine, mode: str, stream: bool
) -> None:
    engine.mode = mode
    engine.abandoned.clear()
    with running(engine.app()) as engine_url:
        patient = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1", "a-model"))
        with running(patient) as url, httpx.Client(base_url=url, trust_env=False) as client:
            asked = {**QUESTION, "stream": stream}
            if mode == "hang":
                with pytest.raises(httpx.ReadTimeout):
                    client.post(CHAT, json=asked, timeout=0.5)
            else:
                with client.stream("POST", CHAT, json=asked) as response:
                    next(response.iter_lines())
            assert engine.abandoned.wait(1)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "messages: Field required"),
        ({"messages": []}, "messages: "),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages.0.role: "),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "only text can be answered",
        ),
        ({**QUESTION, "temperature": 3}, "temperature: "),
        ({**QUESTION, "max_tokens": 0}, "max_tokens: "),
        ({**QUESTION, "tools": [{"type": "function"}]}, "tools is not supported"),
        ({**QUESTION, "n": 2}, "n is not supported"),
        ({**QUESTION, "temprature": 1}, "temprature is not supported"),
    ],
)
def test_a_body_that_cannot_be_right(client: httpx.Client, body: dict[str, Any], says: str) -> None:
    response = client.post(CHAT, json=body)

    assert response.status_code == 400
    error = error_of(response)
    assert says in error["message"]
    assert error["type"] == "invalid_request_error"
    assert "marker-of-the-prompt" not in response.text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1]", b'{"messages": "\\ud800"}'])
def test_a_body_that_is_no_json_object(client: httpx.Client, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post(CHAT, content=content, headers=headers)
    assert response.status_code == 400
    error_of(response)


def test_what_clients_send_to_say_as_usual_is_taken(client: httpx.Client) -> None:
    usual = {"n": 1, "presence_penalty": 0.0, "user": "someone", "logprobs": None, "tools": []}
    parts = [{"type": "text", "text": "Hello"}, {"type": "text", "text": "there"}]
    body = {"messages": [{"role": "user", "content": parts}], **usual}
    assert client.post(CHAT, json=body).status_code == 200


def test_unknown_models_and_paths(client: httpx.Client) -> None:
    response = client.post(CHAT, json={**QUESTION, "model": "gpt-4"})
    assert response.status_code == 404
    assert error_of(response)["code"] == "model_not_found"
    assert "saltmarsh-sons" in error_of(response)["message"]
    assert error_of(client.get("/v2/nothing"))["code"] == "not_found"
    assert error_of(client.get(CHAT))["code"] == "method_not_allowed"


def test_request_ids(client: httpx.Client, engine: MisbehavingEngine) -> None:
    given = client.post(CHAT, json=QUESTION, headers={"X-Request-Id": "abc-1"})
    assert given.headers["X-Request-Id"] == "abc-1"
    assert engine.headers[-1]["x-request-id"] == "abc-1"

    bad = client.get("/health", headers={"X-Request-Id": "a b\tc"}).headers["X-Request-Id"]
    made = client.get("/nothing").headers["X-Request-Id"]
    assert bad != made
    assert len(made) == len(bad) == 32


def test_no_prompt_in_the_log(
    client: httpx.Client, engine: MisbehavingEngine, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("onbrand.gateway")
    log.addHandler(caplog.handler)
    with caplog.at_level(logging.DEBUG):
        for mode in ("well", "500", "not json", "cut"):
            engine.mode = mode
            client.post(CHAT, json=QUESTION)
            client.post(CHAT, json={**QUESTION, "stream": True})
        client.post(CHAT, json={**QUESTION, "n": 2})
    log.removeHandler(caplog.handler)

    assert "POST /v1/chat/completions 502" in caplog.text
    assert "marker-of-the-prompt" not in caplog.text
    assert "pepper" not in caplog.text


def test_not_ready_without_an_engine() -> None:
    port = free_port()
    engine = RemoteEngine(f"http://127.0.0.1:{port}/v1")
    with (
        running(create_app(SETTINGS, BRAND, engine, "a-hash")) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=10) as client,
    ):
        assert client.get("/health").json() == {"status": "ok", **SERVED}
        time.sleep(0.3)
        early = client.get("/ready")
        assert early.status_code == 503
        assert str(port) in early.json()["reason"]
        assert SERVED.items() <= early.json().items()
        response = client.post(CHAT, json=QUESTION)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert str(port) in error_of(response)["message"]


def test_ready_again_after_the_engine_came_back(engine: MisbehavingEngine) -> None:
    engine.mode = "500"
    with running(engine.app()) as engine_url:
        app = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1"))
        with running(app) as url:
            time.sleep(0.5)
            response = httpx.get(f"{url}/ready", trust_env=False)
            assert response.status_code == 503
            assert "500" in response.json()["reason"]
            engine.mode = "well"
            wait_ready(url, 5)
