"""The bots' client, against a gateway that fails in every way, and against the real one."""

import asyncio
import time

import pytest
from desk_harness import until
from fake_gateway import FakeGateway

from bots.streaming.failure import AnswerError
from bots.streaming.gateway import Gateway
from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, free_port, running, wait_ready
from onbrand.errors import OnbrandError, UsageError
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app

pytestmark = pytest.mark.anyio
QUESTION = [{"role": "user", "content": "Hello"}]


async def reply(gateway: Gateway) -> str:
    stream = gateway.stream(QUESTION, request_id="r1", user="slack:T1:U1")
    return "".join([piece async for piece in stream])


async def refusal(served: FakeGateway, patience: float = 0.0) -> AnswerError:
    gateway = Gateway(served.url, silence_seconds=0.3, patience_seconds=patience)
    try:
        with pytest.raises(AnswerError) as caught:
            await reply(gateway)
        return caught.value
    finally:
        await gateway.close()


async def test_an_answer_and_what_is_sent() -> None:
    async with FakeGateway().listening() as served:
        gateway = Gateway(served.url, "the-key")
        assert await reply(gateway) == "You said: Hello ."
        await gateway.close()
    headers = served.headers[0]
    assert headers["X-Request-Id"] == "r1"
    assert headers["X-Onbrand-User"] == "slack:T1:U1"
    assert headers["Authorization"] == "Bearer the-key"
    assert served.bodies == [{"messages": QUESTION, "stream": True}]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["tea \ud83c", "\udf75!"], "tea \U0001f375!"),
        (["tea \U0001f375", "!"], "tea \U0001f375!"),
        (["\ud83c", "", "\udf75"], "\U0001f375"),
        (["\ud83c", "x"], "\ufffdx"),
        (["\udf75x"], "\ufffdx"),
        (["x", "\ud83c"], "x"),
    ],
)
async def test_an_emoji_that_comes_in_halves(pieces: list[str], text: str) -> None:
    async with FakeGateway(pieces=lambda _: pieces).listening() as served:
        gateway = Gateway(served.url)
        assert await reply(gateway) == text
        await gateway.close()


@pytest.mark.parametrize(
    ("mode", "sentence", "may_retry"),
    [
        ("stall", "took too long", True),
        ("silent", "took too long", True),
        ("cut", "broke off", True),
        ("error", "broke off", True),
        ("429", "a lot at once. Please try again in 1 second.", True),
        ("503", "very busy right now. Please try again in 1 second.", True),
        ("401", "not set up", True),
        ("400", "too long for me", False),
        ("html", "Something went wrong", True),
    ],
)
async def test_each_failure_is_a_sentence(mode: str, sentence: str, may_retry: bool) -> None:
    async with FakeGateway(mode=mode).listening() as served:
        error = await refusal(served)
    assert sentence in error.sentence
    assert error.may_retry is may_retry
    assert "secret-inside" not in error.sentence
    assert served.url not in error.sentence


@pytest.mark.parametrize("mode", ["429", "503"])
async def test_a_busy_gateway_is_asked_again_after_the_time_it_names(mode: str) -> None:
    async with FakeGateway(mode=mode, retry_after="0.2", refusals=2).listening() as served:
        gateway = Gateway(served.url, patience_seconds=60)
        started = time.monotonic()
        assert await reply(gateway) == "You said: Hello ."
        assert time.monotonic() - started >= 0.4
        await gateway.close()
    assert len(served.bodies) == 3


async def test_patience_ends() -> None:
    async with FakeGateway(mode="503", retry_after="30").listening() as served:
        started = time.monotonic()
        assert "in 30 seconds" in (await refusal(served, patience=10)).sentence
        assert time.monotonic() - started < 9
    assert len(served.bodies) == 1


async def test_a_gateway_that_names_no_time_is_not_asked_again() -> None:
    async with FakeGateway(mode="503", retry_after="").listening() as served:
        assert "in a moment" in (await refusal(served, patience=10)).sentence
    assert len(served.bodies) == 1


async def test_a_gateway_that_comes_back() -> None:
    port = free_port()
    gateway = Gateway(f"http://127.0.0.1:{port}", patience_seconds=60)
    asking = asyncio.create_task(reply(gateway))
    await asyncio.sleep(0.1)
    async with FakeGateway(port=port).listening():
        assert await asking == "You said: Hello ."
        await gateway.close()


async def test_no_gateway() -> None:
    gateway = Gateway(f"http://127.0.0.1:{free_port()}", patience_seconds=0)
    with pytest.raises(AnswerError, match="cannot be reached") as caught:
        await reply(gateway)
    assert "can't reach" in caught.value.sentence
    await gateway.close()


async def test_leaving_stops_the_model() -> None:
    pieces = [str(number) for number in range(10_000)]
    async with FakeGateway(pieces=lambda _: pieces, pause=0.01).listening() as served:
        gateway = Gateway(served.url)
        stream = gateway.stream(QUESTION, request_id="r1", user="")
        assert await anext(stream) == "0"
        await stream.aclose()
        await until(lambda: served.abandoned == 1)
        await gateway.close()


async def test_no_more_at_once_than_allowed() -> None:
    async with FakeGateway(pause=0.02).listening() as served:
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, served.running)
                await asyncio.sleep(0.002)

        watching = asyncio.create_task(watch())
        gateway = Gateway(served.url, connections=3)
        answers = await asyncio.gather(*(reply(gateway) for _ in range(12)))
        watching.cancel()
        await gateway.close()
    assert answers == ["You said: Hello ."] * 12
    assert most == 3


async def test_feedback() -> None:
    async with FakeGateway().listening() as served:
        gateway = Gateway(served.url)
        assert await gateway.feedback("r1", "slack:T1:U1", "up")
        served.keeps_feedback = False
        assert not await gateway.feedback("r1", "slack:T1:U1", "down")
        await gateway.close()
    assert served.feedback == [{"request_id": "r1", "user": "slack:T1:U1", "rating": "up"}]
    gateway = Gateway(served.url)
    with pytest.raises(OnbrandError, match="cannot be reached"):
        await gateway.feedback("r1", "slack:T1:U1", "up")
    await gateway.close()


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "", "http://"])
async def test_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="not the URL of a gateway"):
        Gateway(url)


async def test_through_the_real_gateway() -> None:
    engine = MisbehavingEngine()
    with running(engine.app()) as engine_url:
        app = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1", "a-model"))
        with running(app) as url:
            wait_ready(url)
            gateway = Gateway(url, silence_seconds=30)
            assert await reply(gateway) == "Salt and pepper\u2028 STOP here"
            engine.mode = "cut"
            with pytest.raises(AnswerError, match="broke") as caught:
                await reply(gateway)
            assert "broke off" in caught.value.sentence
            engine.mode = "500"
            with pytest.raises(AnswerError) as caught:
                await reply(gateway)
            assert "secret-inside" not in f"{caught.value} {caught.value.sentence}"
            await gateway.close()
