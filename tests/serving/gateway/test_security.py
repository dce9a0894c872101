"""What strangers try: large bodies, forged log lines, odd headers, every path of the API."""

import json
import logging
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings

from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, running, wait_ready
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.gateway.context import Context, unknown_context
from serving.gateway.schemas import ChatRequest

CHAT = "/v1/chat/completions"
QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    engine = MisbehavingEngine()
    with running(engine.app()) as engine_url:
        app = create_app(
            SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1"), context=unknown_context(2048)
        )
        with running(app) as url:
            wait_ready(url)
            yield url


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        yield client


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_fifty_megabytes_is_refused(client: httpx.Client, announced: bool) -> None:
    body = b'{"messages": [{"role": "user", "content": "' + b"x" * 50_000_000 + b'"}]}'
    content = body if announced else (body[at : at + 65536] for at in range(0, len(body), 65536))
    try:
        response = client.post(CHAT, content=content, headers={"Content-Type": "application/json"})
    except httpx.WriteError:
        return  # refused before it was sent: as good
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"


def test_a_message_of_a_hundred_thousand_characters(client: httpx.Client) -> None:
    body = {"messages": [{"role": "user", "content": "tea " * 25_000}]}
    response = client.post(CHAT, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"
    assert "tea tea" not in response.text


def test_old_turns_are_left_out_and_the_answer_says_so(client: httpx.Client) -> None:
    turns = [
        {"role": ("user", "assistant")[number % 2], "content": f"{number} " + "tea " * 500}
        for number in range(9)
    ]
    response = client.post(CHAT, json={"messages": turns})
    assert response.status_code == 200
    assert int(response.headers["X-Onbrand-Trimmed"]) >= 6


@pytest.mark.parametrize("field", ["messages", "stop", "user", "model", "unknown"])
def test_half_an_emoji_breaks_nothing(client: httpx.Client, field: str) -> None:
    half = {"messages": [{"role": "user", "content": "hi \ud83d"}]}
    body = half if field == "messages" else {**QUESTION, field: "\ud83d"}
    headers = {"Content-Type": "application/json"}
    response = client.post(CHAT, content=json.dumps(body), headers=headers)
    assert response.status_code == {"model": 404, "unknown": 400}.get(field, 200)


def test_half_an_emoji_is_shown_as_a_character_that_is_missing() -> None:
    parts = [{"type": "text", "text": "half \ud83d"}, {"type": "text", "text": "whole \U0001f600"}]
    body = {"messages": [{"role": "user", "content": parts}], "stop": ["\ude00", "."]}
    request = ChatRequest.model_validate(body)
    assert request.messages[0].content == "half \ufffd\nwhole \U0001f600"
    assert request.stop_texts() == ["\ufffd", "."]


def test_no_token_is_counted_of_an_answer_that_never_began() -> None:
    counted: list[str] = []
    context = Context(0, lambda text: counted.append(text) or 1)
    engine = MisbehavingEngine()
    with running(engine.app()) as engine_url:
        app = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1"), context=context)
        with running(app) as url:
            wait_ready(url)
            engine.mode = "500"
            assert httpx.post(url + CHAT, json=QUESTION, trust_env=False).status_code == 502
    assert counted == []


def test_a_path_cannot_forge_a_line_of_the_log(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("onbrand.gateway")
    log.addHandler(caplog.handler)
    with caplog.at_level(logging.DEBUG):
        client.get("/x%0a2026-01-01 00:00:00 admin logged in%1b[31m%e2%80%a8")
        deadline = time.monotonic() + 20  # the line follows the answer
        while not (lines := {r.getMessage() for r in caplog.records if r.name == log.name}):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    log.removeHandler(caplog.handler)
    (line,) = {line for line in lines if "admin" in line}
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_headers_cannot_be_injected(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(
            b"GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\x0bSet-Cookie: b\r\n"
            b"Connection: close\r\n\r\n"
        )
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert b"set-cookie" not in answer.lower().split(b"\r\n\r\n")[0]


def test_every_answer_has_the_headers_that_guard_browsers(client: httpx.Client) -> None:
    for response in (client.get("/health"), client.get("/nothing"), client.post(CHAT)):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.slow
def test_no_request_of_the_openapi_document_breaks_the_gateway(url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= {CHAT, "/v1/feedback", "/metrics"}
    for operation in operations:

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            # Not through `case.call`: its reader of event streams needs a newer urllib3.
            asked = case.as_transport_kwargs(base_url=url)
            asked.pop("stream", None)
            assert requests.request(**asked, timeout=20).status_code < 500

        check()
