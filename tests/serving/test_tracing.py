"""Traces as a collector gets them: a real OTLP/HTTP receiver reads what the gateway sends."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, running, wait_ready
from onbrand.errors import UsageError
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from serving.tracing import engine_step, step, traced

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SECRET = "what-was-said"


@dataclass
class Collector:
    """An OTLP/HTTP receiver; the requests it got, as they were sent."""

    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def spans(self) -> dict[str, Span]:
        """By name; a name that stands twice is a fault of the test."""
        found = [span for scope in self._scopes() for span in scope.spans]
        assert len({span.name for span in found}) == len(found)
        return {span.name: span for span in found}

    def resource(self) -> dict[str, str]:
        exported = ExportTraceServiceRequest.FromString(self.bodies[0])
        attributes = exported.resource_spans[0].resource.attributes
        return {pair.key: pair.value.string_value for pair in attributes}

    def _scopes(self) -> Iterator[Any]:
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                yield from resource.scope_spans


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    got = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            got.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    got.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", got.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield got
    server.shutdown()
    server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value")))
        for pair in span.attributes
    }


def stepping_app(engine_headers: dict[str, str]) -> FastAPI:
    """An app that takes its steps as the gateway does: in an async generator that is streamed."""
    app = FastAPI()

    async def pieces(mode: str) -> AsyncGenerator[str, None]:
        with step("queue"):
            pass
        with engine_step("m", "r-1") as engine:
            engine_headers.update(engine.headers)
            yield "a"
            if mode == "failing":
                raise ValueError(SECRET)
            yield "b"
            engine.set("gen_ai.usage.output_tokens", 2)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        request.state.request_id = "r-1"
        mode = (await request.body()).decode()
        answer = pieces(mode)
        if mode == "closed":
            await anext(answer)
            await answer.aclose()
            return Response(status_code=503)
        return StreamingResponse(answer)

    return app


@contextmanager
def stepping(engine_headers: dict[str, str]) -> Iterator[httpx.Client]:
    app = stepping_app(engine_headers)
    with (
        traced(app),
        running(app) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


def test_queue_and_engine_stand_in_the_request_and_the_trace_goes_on(collector: Collector) -> None:
    engine_headers: dict[str, str] = {}
    with stepping(engine_headers) as client:
        parent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        assert client.post("/v1/chat/completions", content="", headers=parent).text == "ab"
    spans = collector.spans()
    request, queue, engine = (
        spans[name] for name in ("POST /v1/chat/completions", "queue", "engine")
    )
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert queue.parent_span_id == engine.parent_span_id == request.span_id
    assert queue.end_time_unix_nano <= engine.start_time_unix_nano
    assert engine.end_time_unix_nano <= request.end_time_unix_nano
    assert engine_headers == {"traceparent": f"00-{TRACE}-{engine.span_id.hex()}-01"}
    assert attributes(engine) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.output_tokens": 2,
        "onbrand.request_id": "r-1",
    }
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "onbrand.request_id": "r-1",
    }
    assert (request.kind, engine.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)


def test_a_failure_is_named_without_its_message(collector: Collector) -> None:
    with stepping({}) as client, pytest.raises(httpx.RemoteProtocolError):
        client.post("/v1/chat/completions", content="failing")
    engine = collector.spans()["engine"]
    assert attributes(engine)["error.type"] == "ValueError"
    assert engine.status.code == Status.STATUS_CODE_ERROR
    assert not any(SECRET.encode() in body for body in collector.bodies)


def test_an_answer_that_was_closed_is_aborted_not_failed(collector: Collector) -> None:
    with stepping({}) as client:
        client.post("/v1/chat/completions", content="closed")
    spans = collector.spans()
    assert attributes(spans["engine"])["onbrand.aborted"] is True
    assert spans["engine"].status.code == Status.STATUS_CODE_UNSET
    assert spans["POST /v1/chat/completions"].status.code == Status.STATUS_CODE_ERROR


def test_the_gateway_sends_no_text_and_no_probes(collector: Collector) -> None:
    engine = MisbehavingEngine(words=[SECRET])
    with running(engine.app()) as engine_url:
        app = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1"))
        with traced(app), running(app) as url:
            wait_ready(url)
            question = {"messages": [{"role": "user", "content": SECRET}], "stream": True}
            answer = httpx.post(f"{url}/v1/chat/completions", json=question, trust_env=False)
            httpx.get(f"{url}/{SECRET}", trust_env=False)
    assert SECRET in answer.text
    spans = collector.spans()
    assert spans.keys() == {"POST /v1/chat/completions", "GET other", "queue", "engine"}
    request = spans["POST /v1/chat/completions"]
    assert spans["queue"].parent_span_id == spans["engine"].parent_span_id == request.span_id
    assert attributes(spans["engine"])["gen_ai.usage.output_tokens"] == 2
    sent = next(h["traceparent"] for h in reversed(engine.headers) if "traceparent" in h)
    assert sent.split("-")[1:3] == [request.trace_id.hex(), spans["engine"].span_id.hex()]
    assert attributes(request)["onbrand.request_id"] == answer.headers["x-request-id"]
    assert not any(SECRET.encode() in body for body in collector.bodies)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "onbrand-gateway"),
        ({"OTEL_SERVICE_NAME": "saltmarsh"}, "saltmarsh"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=tea,region=x"}, "tea"),
    ],
)
def test_the_service_is_named_by_the_standard_variables(
    variables: dict[str, str],
    name: str,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    with stepping({}) as client:
        client.post("/v1/chat/completions", content="")
    assert collector.resource()["service.name"] == name


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_it_can_be_switched_off(
    variable: str, value: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    engine_headers: dict[str, str] = {}
    with stepping(engine_headers) as client:
        assert client.post("/v1/chat/completions", content="").text == "ab"
    assert collector.bodies == []
    assert engine_headers == {}


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
)
def test_what_is_not_supported_is_refused(
    variable: str, value: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=f"{variable} is '{value}'"), traced(FastAPI()):
        pass


def test_without_the_variables_the_sdk_is_not_imported() -> None:
    program = (
        "import json, sys\n"
        "from fastapi import FastAPI\n"
        "from serving.tracing import step, traced\n"
        "with traced(FastAPI()), step('queue') as queue:\n"
        "    queue.set('a', 1)\n"
        "print(json.dumps([m for m in sys.modules if m.startswith('opentelemetry')]))\n"
    )
    clean = {"PATH": "/usr/bin:/bin"}
    said = subprocess.check_output([sys.executable, "-c", program], env=clean, text=True)
    # The API package alone is light; newer versions of FastAPI import it themselves.
    parts = {name.split(".")[1] for name in json.loads(said) if "." in name}
    assert parts.isdisjoint({"sdk", "exporter", "proto", "instrumentation"})


def test_a_step_that_is_not_recorded_costs_next_to_nothing() -> None:
    started = time.perf_counter()
    for _ in range(1000):
        with step("queue"):
            pass
    assert time.perf_counter() - started < 0.1


def test_an_unreachable_collector_delays_neither_answers_nor_the_end(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with stepping({}) as client:
        started = time.monotonic()
        assert client.post("/v1/chat/completions", content="").text == "ab"
        assert time.monotonic() - started < 1
        asked_to_end = time.monotonic()
    assert time.monotonic() - asked_to_end < 3
