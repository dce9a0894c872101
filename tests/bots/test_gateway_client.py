"""The client against the real gateway, and against gateways whose engine fails."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from bots.gateway_client import GatewayClient, NoGatewayError
from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, free_port, running, wait_ready
from onbrand.chat_format import Message
from onbrand.errors import OnbrandError, UsageError
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app

QUESTION: list[Message] = [{"role": "user", "content": "Hello"}]


@contextmanager
def gateway_over(engine: MisbehavingEngine) -> Iterator[str]:
    with running(engine.app()) as engine_url:
        app = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1", "a-model"))
        with running(app) as url:
            wait_ready(url)
            yield url


def reply(url: str) -> str:
    with closing(GatewayClient(url)) as client:
        return "".join(client.stream_reply(QUESTION))


def test_a_reply_of_the_real_model(gateway: str) -> None:
    with closing(GatewayClient(gateway)) as client:
        assert client.check_ready().brand == "saltmarsh-sons"
        pieces = list(client.stream_reply(QUESTION))
    assert len(pieces) > 1
    assert all(pieces)


def test_every_character_is_read() -> None:
    with gateway_over(MisbehavingEngine()) as url:
        assert reply(url) == "Salt and pepper\u2028 STOP here"


def test_no_gateway() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NoGatewayError, match=f"{url}; `onbrand serve` starts it"):
        reply(url)


def test_a_password_in_the_url_is_not_shown() -> None:
    port = free_port()
    with pytest.raises(NoGatewayError, match=f"at http://127.0.0.1:{port};"):
        reply(f"http://me:secret-inside@127.0.0.1:{port}/")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "", "http://"])
def test_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="not the URL of a gateway"):
        GatewayClient(url)


def test_not_ready() -> None:
    engine = RemoteEngine(f"http://127.0.0.1:{free_port()}/v1", "a-model")
    with (
        running(create_app(SETTINGS, BRAND, engine)) as url,
        closing(GatewayClient(url)) as client,
        pytest.raises(OnbrandError, match=f"{url} is not ready: "),
    ):
        client.check_ready()


def test_something_else_answers() -> None:
    other = FastAPI()

    @other.post("/v1/chat/completions")
    def chat() -> HTMLResponse:
        return HTMLResponse("<h1>Welcome</h1>")

    @other.get("/ready")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    with running(other) as url:
        with pytest.raises(OnbrandError, match="not an Onbrand gateway"):
            reply(url)
        with (
            closing(GatewayClient(url)) as client,
            pytest.raises(OnbrandError, match="not an Onbrand gateway"),
        ):
            client.check_ready()


@pytest.mark.parametrize(
    ("mode", "says"),
    [("500", "could not answer: .*500"), ("cut", "broke off: .*cut off"), ("hang", "too long")],
)
def test_an_engine_that_fails(mode: str, says: str) -> None:
    engine = MisbehavingEngine()
    with gateway_over(engine) as url:
        engine.mode = mode
        with (
            closing(GatewayClient(url, timeout_seconds=0.5)) as client,
            pytest.raises(OnbrandError, match=says),
        ):
            list(client.stream_reply(QUESTION))


def test_a_stream_without_its_end() -> None:
    engine = MisbehavingEngine(mode="cut")
    # The engine itself in the gateway's place: its stream just stops.
    with running(engine.app()) as url, pytest.raises(OnbrandError, match=f"{url} was cut off"):
        reply(url)


def test_closing_the_reply_stops_the_engine() -> None:
    engine = MisbehavingEngine()
    with gateway_over(engine) as url, closing(GatewayClient(url)) as client:
        engine.mode = "endless"
        pieces = client.stream_reply(QUESTION)
        assert next(pieces).startswith("Salt")
        started = time.monotonic()
        pieces.close()
        assert engine.abandoned.wait(1)
        assert time.monotonic() - started < 1
