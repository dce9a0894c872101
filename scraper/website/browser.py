"""Pages as Chromium shows them after their JavaScript has run. Every call to pyppeteer is here.

pyppeteer 2.0.0 is unmaintained, hence: own timeouts around everything (`goto(timeout=)` does not
fire before the first byte), interception through the DevTools protocol (`setRequestInterception`
is broken), and after any trouble the whole Chromium is killed and started again, since a page that
loops forever also hangs `close()`. One Chromium has one tab, so a kill hits no other page.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import httpx
import pyppeteer
from pyppeteer.errors import PyppeteerError
from websockets.exceptions import WebSocketException

from scraper.website.chromium import BrowserUnavailableError, ChromiumProcess

MOST_BROWSERS = 4
QUIET_SHARE = 0.5
"""Share of a page's time that is spent waiting for its network to fall silent, at most."""
TEXT_SECONDS = 2.0
"""After that, the wait for text to be there and to stay the same, at most."""

_UNSEEN = frozenset(
    ["Image", "Media", "Font", "Ping", "Manifest", "TextTrack", "Prefetch", "CSPViolationReport"]
)
# These reach the network past the interception of the page's own requests.
_SIDE_DOORS = """() => {
    for (const name of ["Worker", "SharedWorker", "WebSocket", "RTCPeerConnection", "WebTransport"])
        delete window[name];
    delete Navigator.prototype.serviceWorker;
    delete Navigator.prototype.sendBeacon;
}"""
_TEXT_LENGTH = "() => document.body ? document.body.innerText.trim().length : 0"

Allow = Callable[[str, str], Awaitable[bool]]
"""Whether a page may request a URL for a resource type of the DevTools protocol's `Network`."""


class RenderError(Exception):
    """The reason why Chromium gave no page."""


@dataclass(frozen=True)
class Rendered:
    """The document after its JavaScript has run, and the address it then has."""

    html: str
    url: str


class Browsers:
    """Up to four Chromiums, no more than the machine has cores, started as they are needed."""

    def __init__(
        self, executable: str, count: int, user_agent: str, timeout_seconds: float, allow: Allow
    ) -> None:
        logging.getLogger("pyppeteer").setLevel(logging.CRITICAL)
        self._all = [
            _Browser(executable, user_agent, timeout_seconds, allow)
            for _ in range(min(count, MOST_BROWSERS, os.cpu_count() or 1))
        ]
        self._idle: asyncio.LifoQueue[_Browser] = asyncio.LifoQueue()
        for browser in self._all:
            self._idle.put_nowait(browser)

    async def render(self, url: str) -> Rendered:
        """Load a page and wait, within the timeout, until its text is there.

        Raises:
            RenderError: the page did not come to an end, or could not be loaded.
            BrowserUnavailableError: Chromium does not start.
        """
        browser = await self._idle.get()
        try:
            return await browser.render(url)
        finally:
            self._idle.put_nowait(browser)

    async def close(self) -> None:
        """End every Chromium."""
        for browser in self._all:
            await browser.close()


class _Browser:
    """One Chromium with one tab, which is used again until something goes wrong."""

    def __init__(
        self, executable: str, user_agent: str, timeout_seconds: float, allow: Allow
    ) -> None:
        self._executable = executable
        self._user_agent = user_agent
        self._timeout = timeout_seconds
        self._allow = allow
        self._process: ChromiumProcess | None = None
        self._browser: Any = None
        self._page: Any = None
        self._session: Any = None
        self._quiet = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def render(self, url: str) -> Rendered:
        finished = False
        try:
            if self._page is None:
                await self._start()
            async with asyncio.timeout(self._timeout):
                rendered = await self._load(url)
            finished = True
            return rendered
        except TimeoutError as error:
            raise RenderError(f"it did not come to rest within {self._timeout:g} s") from error
        except (PyppeteerError, WebSocketException, OSError) as error:
            raise RenderError(str(error) or type(error).__name__) from error
        finally:
            if not finished:
                await self.close()

    async def close(self) -> None:
        """Kill Chromium first: nothing here may wait for a page that hangs."""
        if self._process:
            self._process.kill()
        if self._browser:
            self._give_up_waiting()
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._browser._connection.dispose(), 2.0)
        for task in self._tasks:
            task.cancel()
        self._process = self._browser = self._page = self._session = None

    def _give_up_waiting(self) -> None:
        """Take note of every answer that will not come, so that asyncio does not print them."""
        connection = self._browser._connection
        for waiter in (connection, *connection._sessions.values()):
            for answer in waiter._callbacks.values():
                answer.add_done_callback(lambda future: future.cancelled() or future.exception())

    async def _start(self) -> None:
        self._process = ChromiumProcess(self._executable)
        endpoint = await self._process.endpoint()
        try:
            async with asyncio.timeout(self._timeout + 10):
                self._browser = await pyppeteer.connect(browserWSEndpoint=endpoint)
                self._page = await self._browser.newPage()
                await self._prepare()
        except TimeoutError as error:
            raise BrowserUnavailableError("Chromium starts but does not answer") from error

    async def _prepare(self) -> None:
        page = self._page
        await page.setUserAgent(self._user_agent)
        await page.evaluateOnNewDocument(_SIDE_DOORS)
        page.on("dialog", lambda dialog: self._run(_answer(dialog)))
        session = self._session = await page.target.createCDPSession()
        session.on("Fetch.requestPaused", lambda event: self._run(self._judge(event)))
        session.on("Page.lifecycleEvent", self._on_lifecycle)
        await session.send("Page.enable")
        await session.send("Page.setLifecycleEventsEnabled", {"enabled": True})
        await session.send("Page.setDownloadBehavior", {"behavior": "deny"})
        await session.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})

    async def _load(self, url: str) -> Rendered:
        await self._forget(url)
        self._quiet.clear()
        await self._page.goto(url, waitUntil="domcontentloaded", timeout=0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout * QUIET_SHARE):
                await self._quiet.wait()
        await self._wait_for_text()
        html = await self._page.content()
        final_url = await self._page.evaluate("() => location.href")
        await self._page.goto("about:blank", timeout=0)  # ends the page's timers
        return Rendered(html.encode("utf-8", "replace").decode(), final_url)

    async def _forget(self, url: str) -> None:
        """Each page is seen as by a first visitor, so that the order of pages does not matter."""
        origin = str(httpx.URL(url).copy_with(raw_path=b"/"))
        await self._session.send("Network.clearBrowserCookies")
        await self._session.send(
            "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"}
        )

    async def _wait_for_text(self) -> None:
        length = -1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TEXT_SECONDS):
                while (now := await self._page.evaluate(_TEXT_LENGTH)) != length or not now:
                    length = now
                    await asyncio.sleep(0.1)

    def _on_lifecycle(self, event: dict[str, Any]) -> None:
        if event["frameId"] != self._page.mainFrame._id:
            return
        if event["name"] == "init":
            self._quiet.clear()
        elif event["name"] == "networkIdle":
            self._quiet.set()

    async def _judge(self, event: dict[str, Any]) -> None:
        """Let a request of the page go on, or refuse it."""
        url, kind = event["request"]["url"], event["resourceType"]
        allowed = kind not in _UNSEEN and await self._allow(url, kind)
        request = {"requestId": event["requestId"]}
        if allowed:
            await self._session.send("Fetch.continueRequest", request)
        else:
            # Aborted, not BlockedByClient: that would put an error page in the document's place.
            await self._session.send("Fetch.failRequest", {**request, "errorReason": "Aborted"})

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that an event asks for; the page may be gone before it is done."""

        async def quietly() -> None:
            with contextlib.suppress(PyppeteerError, WebSocketException, OSError, AttributeError):
                await work

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _answer(dialog: Any) -> None:
    """Dismiss what a page asks of its reader; leaving the page is always agreed to."""
    await (dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss())
