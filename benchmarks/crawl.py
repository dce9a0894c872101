"""Pages per second against Scrapy with trafilatura and against Crawlee's Playwright crawler.

`python benchmarks/crawl.py --peers PYTHON`, where PYTHON is an interpreter of an environment with
`scrapy`, `trafilatura` and `crawlee[playwright]`: their requirements and ours exclude each other.
All crawl the same local site in one run, one after the other; ours ends with clean main text.
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
from pathlib import Path

import httpx

from onbrand.config import Website
from scraper import raw
from scraper.clean.sources import page_texts
from scraper.website.crawl import crawl

HERE = Path(__file__).parent


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
        [python, str(HERE / script), *arguments], capture_output=True, text=True, check=True
    )
    said = json.loads(result.stdout.strip().splitlines()[-1])
    return said["pages"], said["seconds"]


def show(name: str, own: tuple[int, float], other: tuple[int, float]) -> None:
    speeds = [pages / seconds for pages, seconds in (own, other)]
    print(f"Onbrand: {own[0]} pages in {own[1]:.1f} s, {speeds[0]:.1f} a second")
    print(f"{name}: {other[0]} pages in {other[1]:.1f} s, {speeds[1]:.1f} a second")
    print(f"ratio: {speeds[0] / speeds[1]:.2f}\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable)
    peers = parser.parse_args().peers
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
        show(
            "Scrapy with trafilatura", ours(base, "never", 16), peer(peers, "scrapy_peer.py", base)
        )
        js = f"{base}js/"
        show(
            "Crawlee, Playwright", ours(js, "auto", 4), peer(peers, "crawlee_peer.py", js, chromium)
        )
    finally:
        site.kill()


if __name__ == "__main__":
    main()
