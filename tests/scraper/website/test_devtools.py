"""The connection to a real Chromium."""

import asyncio
import contextlib
from typing import Any

import pytest

from scraper.website.chromium import find_chromium, start_chromium
from scraper.website.devtools import FAILURES, DevTools
from tests.scraper.website.rendering import needs_chromium

pytestmark = pytest.mark.slow


@needs_chromium
def test_every_command_to_a_dying_chromium_is_answered() -> None:
    """With what was asked for or with an error, never with nothing."""

    async def ask_on() -> list[Any]:
        process, endpoint = await start_chromium(find_chromium() or "", may_be_local=False)
        connection = await DevTools.open(endpoint)
        await connection.ask("Browser.getVersion")
        kill = asyncio.create_task(process.kill())
        answers = []
        with contextlib.suppress(ConnectionError):  # from here on it is known to be gone
            for _ in range(2000):
                answers.append(connection.ask("Target.createBrowserContext"))
                await asyncio.sleep(0)
        await kill
        everything = asyncio.gather(*answers, return_exceptions=True)
        return list(await asyncio.wait_for(everything, 10))

    answers = asyncio.run(ask_on())
    failures = [answer for answer in answers if isinstance(answer, FAILURES)]
    assert failures
    assert all("browserContextId" in answer for answer in answers if answer not in failures)
