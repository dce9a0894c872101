"""Crawlee's Playwright crawler on the benchmark's rendered pages: prints pages and seconds."""

import asyncio
import json
import logging
import sys
import time
from datetime import timedelta

from crawlee import ConcurrencySettings
from crawlee.crawlers import PlaywrightCrawler, PlaywrightCrawlingContext
from crawlee.storage_clients import MemoryStorageClient

logging.disable(logging.CRITICAL)


async def main() -> None:
    texts = []
    crawler = PlaywrightCrawler(
        storage_client=MemoryStorageClient(),
        concurrency_settings=ConcurrencySettings(
            min_concurrency=4, desired_concurrency=4, max_concurrency=4
        ),
        browser_launch_options={"executable_path": sys.argv[2], "args": ["--no-sandbox"]},
        headless=True,
        request_handler_timeout=timedelta(seconds=30),
        configure_logging=False,
    )

    @crawler.router.default_handler
    async def handle(context: PlaywrightCrawlingContext) -> None:
        if context.request.url.rstrip("/").endswith("/js"):
            await context.enqueue_links()
            return
        await context.page.wait_for_selector("main")  # it knows what to wait for; we do not
        texts.append(await context.page.content())

    started = time.monotonic()
    await crawler.run([sys.argv[1]])
    print(json.dumps({"pages": len(texts), "seconds": time.monotonic() - started}))


asyncio.run(main())
