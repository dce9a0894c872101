"""Pages of ours in real Chromium: what they ask for, and what they show."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyppeteer

from scraper.website.chromium import find_chromium


def visit(path: Path, steps: Callable[[Any], Awaitable[None]]) -> list[str]:
    """Open the page, do the steps, and return what it asked for besides itself or complained of."""

    async def run() -> list[str]:
        browser = await pyppeteer.launch(
            executablePath=find_chromium(), args=["--no-sandbox", "--disable-gpu"], dumpio=False
        )
        try:
            tab = await browser.newPage()
            seen: list[str] = []
            tab.on("request", lambda request: seen.append(request.url))
            tab.on("console", lambda message: seen.append(message.text))
            tab.on("pageerror", lambda error: seen.append(str(error)))
            await tab.goto(path.as_uri())
            await steps(tab)
            return [entry for entry in seen if not entry.startswith(path.as_uri())]
        finally:
            await browser.close()

    return asyncio.run(run())


async def value(tab: Any, expression: str) -> Any:
    """What an expression gives in the page."""
    return await tab.evaluate(expression, force_expr=True)


async def in_colours(tab: Any, scheme: str) -> None:
    """Let the page believe that its reader prefers `light` or `dark`."""
    client = await tab.target.createCDPSession()
    feature = {"name": "prefers-color-scheme", "value": scheme}
    await client.send("Emulation.setEmulatedMedia", {"features": [feature]})
