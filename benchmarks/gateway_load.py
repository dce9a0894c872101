"""Many requests at the gateway: are all answered or told when to come back, does memory stay flat?

    python benchmarks/gateway_load.py

First 500 clients at once against a queue of 32, then 10,000 requests from 64 clients. The engine is
one that takes 20 ms an answer; the gateway is `onbrand serve` in a process of its own.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

sys.path.insert(0, str(Path(__file__).parent))

from gateway_overhead import INSTANT_ENGINE, engine_of, gateway_before

_SLOW = INSTANT_ENGINE.replace(
    "for _ in range(asked", "await asyncio.sleep(0.02)\n    for _ in range(asked"
)


@dataclass
class Outcome:
    """What became of the requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    cut_off: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        engine = stack.enter_context(engine_of(_SLOW))
        small = {"concurrency": 8, "queue": 32}
        with gateway_before(engine, "", small) as url:
            report("500 clients at once, queue of 32", asyncio.run(ask(url, 500, 500)))
        with gateway_before(engine, "", {"concurrency": 32, "queue": 512}) as url:
            process = serving()
            sizes = []
            for _ in range(10):
                outcome = asyncio.run(ask(url, arguments.requests // 10, 64))
                sizes.append(process.memory_info().rss / 1e6)
            report(f"the last {arguments.requests // 10} of {arguments.requests}", outcome)
            print("resident MB after each tenth: " + ", ".join(f"{size:.1f}" for size in sizes))


def report(name: str, outcome: Outcome) -> None:
    ordered = sorted(outcome.seconds)
    print(
        f"{name}: {dict(outcome.statuses)}, p50 {statistics.median(ordered):.3f} s, "
        f"p99 {ordered[int(0.99 * (len(ordered) - 1))]:.3f} s, slowest {ordered[-1]:.3f} s; "
        f"refused without Retry-After: {outcome.without_retry_after}, cut off: {outcome.cut_off}",
        flush=True,
    )


async def ask(url: str, requests: int, clients: int) -> Outcome:
    outcome = Outcome()
    limit = asyncio.Semaphore(clients)
    body = {
        "messages": [{"role": "user", "content": "Write a post about tea."}],
        "max_tokens": 16,
        "stream": True,
    }
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:

        async def one() -> None:
            async with limit:
                started = time.perf_counter()
                async with http.post(f"{url}/chat/completions", json=body) as response:
                    text = await response.text()
                outcome.seconds.append(time.perf_counter() - started)
            outcome.statuses[response.status] += 1
            if response.status == 200:
                outcome.cut_off += not text.endswith("data: [DONE]\n\n")
            elif response.status in (429, 503):
                outcome.without_retry_after += "Retry-After" not in response.headers

        await asyncio.gather(*(one() for _ in range(requests)))
    return outcome


def serving() -> psutil.Process:
    """The gateway's process, a child of this one."""
    (found,) = (child for child in psutil.Process().children() if "serve" in child.cmdline())
    return found


if __name__ == "__main__":
    main()
