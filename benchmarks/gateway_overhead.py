"""What the gateway costs: the same requests to an engine, with and without the gateway between.

    python benchmarks/gateway_overhead.py --engine http://127.0.0.1:8000/v1
    python benchmarks/gateway_overhead.py            # an engine that takes no time at all

Rounds alternate (engine, gateway, gateway, engine, …) in one run, each of `--requests` streamed
answers at each number of concurrent streams. Printed: characters a second (tokens that arrive
together travel together, so that pieces do not compare), their ratio, and the
median time to the first piece. The gateway is `onbrand serve` in a process of its own.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

INSTANT_ENGINE = """
import asyncio, json, sys
from aiohttp import web
HEAD = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "instant"}
def event(delta, reason=None):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({**HEAD, "choices": [choice]}).encode() + b"\\n\\n"
async def chat(request):
    asked = await request.json()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(event({"role": "assistant", "content": ""}))
    piece = event({"content": " token"})
    for _ in range(asked["max_tokens"]):
        await response.write(piece)
        await asyncio.sleep(0)
    await response.write(event({}, "length") + b"data: [DONE]\\n\\n")
    return response
async def models(request):
    return web.json_response({"object": "list", "data": [{"id": "instant"}]})
app = web.Application()
app.add_routes([web.post("/v1/chat/completions", chat), web.get("/v1/models", models)])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


@dataclass
class Round:
    """What one round of requests gave."""

    characters: int = 0
    seconds: float = 0.0
    first: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="", help="URL up to and with /v1")
    parser.add_argument("--model", default="", help="name the engine knows the model by")
    parser.add_argument("--streams", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--requests", type=int, default=64, help="requests a round")
    parser.add_argument("--tokens", type=int, default=64, help="tokens an answer")
    parser.add_argument("--rounds", type=int, default=4, help="pairs of rounds")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        engine = arguments.engine or stack.enter_context(engine_of(INSTANT_ENGINE))
        gateway = stack.enter_context(gateway_before(engine, arguments.model))
        model = arguments.model or asyncio.run(first_model(engine))
        for streams in arguments.streams:
            compare(engine, gateway, model, streams, arguments)


def compare(
    engine: str, gateway: str, model: str, streams: int, arguments: argparse.Namespace
) -> None:
    ratios, more = [], []
    totals: dict[str, list[float]] = {engine: [], gateway: []}
    for number in range(arguments.rounds):
        order = [engine, gateway] if number % 2 == 0 else [gateway, engine]
        done = {}
        for url in order:
            name = model if url == engine else None
            done[url] = asyncio.run(
                one_round(url, name, streams, arguments.requests, arguments.tokens)
            )
            totals[url].append(done[url].characters / done[url].seconds)
        ratios.append(
            (done[gateway].characters / done[gateway].seconds)
            / (done[engine].characters / done[engine].seconds)
        )
        more.append(statistics.median(done[gateway].first) - statistics.median(done[engine].first))
    print(
        f"{streams:>3} streams: engine {statistics.median(totals[engine]):8.1f} characters/s, "
        f"gateway {statistics.median(totals[gateway]):8.1f}, "
        f"ratio {statistics.median(ratios):.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f}), "
        f"first piece {1000 * statistics.median(more):+.1f} ms",
        flush=True,
    )


async def one_round(url: str, model: str | None, streams: int, requests: int, tokens: int) -> Round:
    result = Round()
    limit = asyncio.Semaphore(streams)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def ask(number: int) -> None:
            question = f"Write a post about tea, number {number % 4}."
            body = {
                "messages": [{"role": "user", "content": question}],
                "max_tokens": tokens,
                "temperature": 0,
                "stream": True,
            }
            if model:
                # What the gateway adds of its own, the engine alone is given too.
                system = {"role": "system", "content": "You are the voice of Saltmarsh."}
                body["messages"] = [system, *body["messages"]]
                body["model"] = model
                body["stream_options"] = {"include_usage": True}
            async with limit:
                asked = time.perf_counter()
                seen = 0
                async with http.post(f"{url}/chat/completions", json=body) as response:
                    assert response.status == 200, await response.text()
                    async for line in response.content:
                        if not line.startswith(b"data: {"):
                            continue
                        choices = json.loads(line[6:])["choices"]
                        text = choices[0]["delta"].get("content") if choices else ""
                        if text and not seen:
                            result.first.append(time.perf_counter() - asked)
                        seen += len(text or "")
                result.characters += seen

        started = time.perf_counter()
        await asyncio.gather(*(ask(number) for number in range(requests)))
        result.seconds = time.perf_counter() - started
    return result


@contextmanager
def engine_of(program: str) -> Iterator[str]:
    """An engine that is written out in `program` and told its port; its URL up to and with /v1."""
    from gateway_harness import free_port

    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", program, str(port)])
    try:
        asyncio.run(until_answers(f"http://127.0.0.1:{port}/v1/models"))
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()


@contextmanager
def gateway_before(
    engine: str, model: str, settings: dict[str, int] | None = None
) -> Iterator[str]:
    from gateway_harness import free_port

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "brand.toml").write_text(
            '[brand]\nname = "Saltmarsh"\n[serving]\nengine = "remote"\n'
            f'engine_url = "{engine}"\nengine_model = "{model}"\nport = {port}\n'
            + "".join(
                f"{key} = {value}\n"
                for key, value in (settings or {"concurrency": 64, "queue": 512}).items()
            )
        )
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "onbrand", "-w", folder, "serve"],
                cwd=ROOT,
                env={**os.environ, "NO_PROXY": "*"},
                stderr=log,
            )
        try:
            asyncio.run(until_answers(f"http://127.0.0.1:{port}/ready"))
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()
            process.wait()


async def until_answers(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        for _ in range(600):
            try:
                async with http.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit(f"{url} did not answer within a minute.")


async def first_model(engine: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{engine}/models") as response:
        return str((await response.json())["data"][0]["id"])


if __name__ == "__main__":
    main()
