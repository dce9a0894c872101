"""Pages per second against Scrapy with trafilatura and against Crawlee's Playwright crawler.

`python benchmarks/crawl.py --peers PYTHON`, where PYTHON is an interpreter of an environment with
`scrapy`, `trafilatura`, `lxml_html_clean` and `crawlee[playwright]`: their requirements and ours
exclude each other. All crawl the same local site in one run, in turns; ours ends with clean main
text. Figures are medians; the ratio aimed at is 1.5 against the first and 2 against the second.
"""

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx

from onbrand.config import Website
from scraper import raw
from scraper.clean.sources import page_texts
from scraper.website.crawl import crawl

HERE = Path(__file__).parent
Run = Callable[[], tuple[int, float]]


def ours(start: str, render: str, concurrency: int) -> tuple[int, float]:
    """Pages with main text, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Website(start_urls=[start], render=render, concurrency=concurrency)
        started = time.monotonic()
        asyncio.run(crawl(settings, Path(folder)))
        pages = list(raw.read_raw(Path(folder) / raw.PAGES, raw.Page))
        wanted = [page for page in pages if page.rendered or render == "never"]
        texts = [page for page in page_texts(wanted, 0.3) if len(page.own) > 500]
        return len(texts), time.monotonic() - started


def peer(python: str, script: str, *arguments: str) -> tuple[int, float]:
    """The same of another crawler."""
    result = subprocess.run(
        [python, str(HERE / script), *arguments], capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"{script} failed:\n{result.stderr}")
    said = json.loads(result.stdout.strip().splitlines()[-1])
    return said["pages"], said["seconds"]


def compare(name: str, own: Run, other: Run, turns: int) -> None:
    """Run both in turns, and print the medians."""
    runs = [(own(), other()) for _ in range(turns)]
    speeds = []
    for label, results in zip(("Onbrand", name), zip(*runs, strict=True), strict=True):
        pages = max(count for count, _ in results)
        seconds = median(taken for _, taken in results)
        speeds.append(pages / seconds)
        spread = " ".join(f"{taken:.1f}" for _, taken in results)
        print(f"{label}: {pages} pages in {seconds:.1f} s ({spread}), {speeds[-1]:.1f} a second")
    print(f"ratio: {speeds[0] / speeds[1]:.2f}\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    peers, turns = asked.peers, asked.turns
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or ""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = subprocess.Popen([sys.executable, str(HERE / "site.py"), str(port)])
    base = f"http://127.0.0.1:{port}/"
    try:
        while True:
            try:
                httpx.get(base)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        compare(
            "Scrapy with trafilatura",
            lambda: ours(base, "never", 16),
            lambda: peer(peers, "scrapy_peer.py", base),
            turns,
        )
        js = f"{base}js/"
        compare(
            "Crawlee, Playwright",
            lambda: ours(js, "auto", 4),
            lambda: peer(peers, "crawlee_peer.py", js, chromium),
            turns,
        )
    finally:
        site.kill()


if __name__ == "__main__":
    main()
