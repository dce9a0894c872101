"""Pages as Chromium shows them after their JavaScript has run. Every call to pyppeteer is here.

Of pyppeteer 2.0.0, which is unmaintained, only the client of the DevTools protocol is used
(https://chromedevtools.github.io/devtools-protocol/): its own `Page` lets a navigation hang, cannot
intercept requests in today's Chromium, and costs more than the page itself. Everything has a time
limit here. One Chromium has several tabs, each with a browser context of its own, so that they
share no cookies; a tab in which something went wrong is thrown away with its context, which ends
its process even where a script loops forever. Where that does not help, Chromium is killed and
started again, and what the other tabs were loading is loaded once more.
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyppeteer.connection import Connection
from pyppeteer.errors import PyppeteerError
from websockets.exceptions import WebSocketException

from scraper.website.chromium import BrowserUnavailableError, ChromiumProcess, start_chromium

MOST_TABS = 4
MOST_DOCUMENTS = 5
"""Documents that the main frame may load, one after the other; a page that goes on is held."""
MOST_REQUESTS = 1000
"""Requests of one page; further ones are refused."""
LARGEST_DOM = 10_000_000
"""Characters of HTML."""
LONGEST_SHARE = 0.5
"""Share of the time limit after which a page that never comes to rest is taken as it is."""
QUIET_SECONDS = 0.05
"""A page at rest has not changed for so long."""
TEXT_SECONDS = 1.0
"""Further wait for text, where there is hardly any."""
RESTLESS_SECONDS = 2.0
"""Longest wait, while the network is silent, for timers and changes of the document."""

_UNSEEN = frozenset([
    "Image", "Media", "Font", "Ping", "Manifest", "TextTrack", "Prefetch", "CSPViolationReport",
    "Other",  # the icon
])  # fmt: skip
_NEEDED = frozenset(["Script", "XHR", "Fetch"])
_AT_START = Path(__file__).with_name("rest.js").read_text()
_REST = "onbrand.rest({:.0f}, {:.0f}, {:.0f})".format(
    *(1000 * s for s in (QUIET_SECONDS, TEXT_SECONDS, RESTLESS_SECONDS))
)
_READ = f"onbrand.read({LARGEST_DOM})"

Allow = Callable[[str, str], Awaitable[bool]]
"""Whether a page may request a URL for a resource type of the DevTools protocol's `Network`."""

logging.getLogger("pyppeteer").setLevel(logging.CRITICAL)


class RenderError(Exception):
    """The reason why Chromium gave no page."""


class _LostError(Exception):
    """Chromium went away, which may have been another tab's fault."""


@dataclass(frozen=True)
class Document:
    """A page as it came over plain HTTP; Chromium is given this instead of asking again."""

    url: str
    html: str


@dataclass(frozen=True)
class Rendered:
    """The document after its JavaScript has run, and the address it then has."""

    html: str
    url: str
    refused: frozenset[str]
    """URLs of scripts and data that the page asked for in vain."""


class Browser:
    """One Chromium with up to four tabs, started when it is needed, and again when it is gone."""

    def __init__(
        self, executable: str, tabs: int, user_agent: str, timeout_seconds: float, allow: Allow
    ) -> None:
        self._executable = executable
        self._user_agent = user_agent
        self._timeout = timeout_seconds
        self._allow = allow
        self._room = asyncio.Semaphore(min(tabs, MOST_TABS))
        self._starting = asyncio.Lock()
        self._process: ChromiumProcess | None = None
        self._connection: Any = None
        self._idle: list[_Tab] = []

    async def render(self, document: Document) -> Rendered:
        """Let a page's JavaScript run, within the time limit, until its text is there.

        Raises:
            RenderError: the page did not come to an end, or could not be loaded.
            BrowserUnavailableError: Chromium does not start.
        """
        async with self._room:
            with contextlib.suppress(_LostError):
                return await self._render(document)
            try:
                return await self._render(document)
            except _LostError as error:
                raise RenderError("Chromium ended while it was loading") from error

    async def close(self) -> None:
        """Kill Chromium first: nothing here may wait for a page that hangs."""
        if self._process:
            self._process.kill()
        if self._connection:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._connection.dispose(), 2.0)
        self._process = self._connection = None
        self._idle = []

    async def _render(self, document: Document) -> Rendered:
        connection, tab = await self._tab()
        finished = False
        try:
            async with asyncio.timeout(self._timeout):
                rendered = await tab.load(document)
            finished = True
            return rendered
        except TimeoutError as error:
            raise RenderError(f"it did not come to rest within {self._timeout:g} s") from error
        except (PyppeteerError, WebSocketException, OSError) as error:
            if not _is_open(connection):
                raise _LostError from error
            if tab.crashed:
                raise RenderError("its process crashed") from error
            raise RenderError(str(error) or type(error).__name__) from error
        finally:
            if connection is self._connection:
                if finished:
                    self._idle.append(tab)
                elif not await tab.close():
                    await self.close()

    async def _tab(self) -> tuple[Any, "_Tab"]:
        """An idle tab, or a new one."""
        async with self._starting:
            if not self._process or not _is_open(self._connection):
                await self.close()
                self._process, endpoint = await start_chromium(self._executable)
                self._connection = Connection(endpoint, asyncio.get_running_loop())
            if self._idle:
                return self._connection, self._idle.pop()
            tab = _Tab(self._connection, self._allow, self._timeout * LONGEST_SHARE)
            try:
                async with asyncio.timeout(self._timeout + 10):
                    await tab.open(self._user_agent)
            except (TimeoutError, PyppeteerError, WebSocketException, OSError) as error:
                await self.close()
                raise BrowserUnavailableError("Chromium starts but does not answer") from error
            return self._connection, tab


class _Tab:
    """A tab with its own browser context, used for one page after the other."""

    def __init__(self, connection: Any, allow: Allow, patience: float) -> None:
        self._connection = connection
        self._allow = allow
        self._patience = patience
        self.crashed = False
        self._context = ""
        self._session: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._forget()

    def _forget(self) -> None:
        self._document: Document | None = None
        self._status = 200
        self._documents = 0
        self._requests = 0
        self._refused: set[str] = set()
        self._in_flight: dict[str, str] = {}
        """Request id: id of the document that asked."""
        self._silent = asyncio.Event()
        self._silent.set()
        self._first = ""

    async def open(self, user_agent: str) -> None:
        """Make the tab; nothing it asks for gets past `_judge` from here on."""
        made = await _ask(self._connection, "Target.createBrowserContext")
        self._context = made["browserContextId"]
        place = {"url": "about:blank", "browserContextId": self._context, "newWindow": True}
        target = await _ask(self._connection, "Target.createTarget", place)
        self._frame = target["targetId"]
        session = await self._connection.createSession({**target, "type": "page"})
        self._session = session
        for name, react in {
            "Fetch.requestPaused": lambda event: self._run(self._judge(event)),
            "Page.javascriptDialogOpening": lambda event: self._run(self._say(event)),
            "Page.frameNavigated": self._on_navigated,
            "Network.requestWillBeSent": self._on_request,
            "Network.responseReceived": self._on_response,
            "Network.loadingFinished": self._on_finished,
            "Network.loadingFailed": self._on_finished,
            "Inspector.targetCrashed": self._on_crashed,
        }.items():
            session.on(name, react)
        refuse = {"behavior": "deny", "browserContextId": self._context}
        # A worker or a frame in another process would have requests of its own: it never starts.
        hold = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        await asyncio.gather(
            _ask(self._connection, "Browser.setDownloadBehavior", refuse),
            _ask(session, "Page.enable"),
            _ask(session, "Network.enable"),
            _ask(session, "Inspector.enable"),
            _ask(session, "Target.setAutoAttach", hold),
            _ask(session, "Network.setUserAgentOverride", {"userAgent": user_agent}),
            _ask(session, "Page.addScriptToEvaluateOnNewDocument", {"source": _AT_START}),
            _ask(session, "Fetch.enable", {"patterns": [{"urlPattern": "*"}]}),
        )

    async def close(self) -> bool:
        """Throw the tab away; whether that succeeded."""
        for task in self._tasks:
            task.cancel()
        context = {"browserContextId": self._context}
        try:
            await asyncio.wait_for(
                _ask(self._connection, "Target.disposeBrowserContext", context), 3
            )
        except (TimeoutError, PyppeteerError, WebSocketException, OSError):
            return False
        return True

    async def load(self, document: Document) -> Rendered:
        """Show the document, wait until it rests, read it and end it."""
        self._forget()
        self._document = document
        going = await _ask(self._session, "Page.navigate", {"url": document.url})
        if going.get("errorText"):
            raise RenderError(going["errorText"])
        await self._come_to_rest()
        if self._status >= 400:
            raise RenderError(f"it leads to a page that answers HTTP {self._status}")
        seen = await self._evaluate(_READ)
        if seen["html"] is None:
            raise RenderError(f"its document is larger than {LARGEST_DOM // 1_000_000} MB")
        await self._clear(seen["url"])
        return Rendered(seen["html"], seen["url"], frozenset(self._refused))

    async def _clear(self, url: str) -> None:
        """Every page is seen as by a first visitor, so that their order does not matter."""
        origin = "/".join(url.split("/", 3)[:3])
        kinds = {"origin": origin, "storageTypes": "indexeddb,cache_storage"}
        await asyncio.gather(
            _ask(self._session, "Network.clearBrowserCookies"),
            _ask(self._session, "Storage.clearDataForOrigin", kinds),
        )

    async def _come_to_rest(self) -> None:
        """Wait until nothing is on its way and the document has stopped to change."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while True:
                    await self._silent.wait()
                    before = self._requests
                    try:
                        settled = await self._evaluate(_REST)
                    except PyppeteerError:
                        if not self._session._connection:
                            raise
                        await asyncio.sleep(0.02)  # it went to another page
                        continue
                    if self._requests == before or not settled:
                        return

    async def _evaluate(self, expression: str) -> Any:
        answer = await _ask(
            self._session,
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
        if "exceptionDetails" in answer:
            raise RenderError("its document cannot be read")
        return answer["result"].get("value")

    # What the page does meanwhile

    async def _judge(self, event: dict[str, Any]) -> None:
        """Let a request of the page go on, or refuse it; its own document is here already."""
        url, kind = event["request"]["url"], event["resourceType"]
        request = {"requestId": event["requestId"]}
        document = self._document
        if kind == "Document" and event["frameId"] == self._frame and document:
            self._documents += 1
            if self._documents == 1:
                self._first = url
            if url == self._first and self._documents <= MOST_DOCUMENTS:
                await _ask(self._session, "Fetch.fulfillRequest", {**request, **_answer(document)})
                return
            allowed = self._documents <= MOST_DOCUMENTS and await self._allow(url, kind)
        else:
            allowed = (
                kind not in _UNSEEN
                and self._requests <= MOST_REQUESTS
                and await self._allow(url, kind)
            )
            if not allowed and kind in _NEEDED:
                self._refused.add(url)
        if allowed:
            await _ask(self._session, "Fetch.continueRequest", request)
        else:
            # Aborted, not BlockedByClient: that would put an error page in the document's place.
            await _ask(self._session, "Fetch.failRequest", {**request, "errorReason": "Aborted"})

    async def _say(self, event: dict[str, Any]) -> None:
        """Dismiss what a page asks of its reader; leaving the page is always agreed to."""
        leaves = event["type"] == "beforeunload"
        await _ask(self._session, "Page.handleJavaScriptDialog", {"accept": leaves})

    def _on_request(self, event: dict[str, Any]) -> None:
        self._requests += 1
        self._in_flight[event["requestId"]] = event["loaderId"]
        self._silent.clear()

    def _on_finished(self, event: dict[str, Any]) -> None:
        self._in_flight.pop(event["requestId"], None)
        if not self._in_flight:
            self._silent.set()

    def _on_response(self, event: dict[str, Any]) -> None:
        if event["type"] == "Document" and event.get("frameId") == self._frame:
            self._status = event["response"]["status"]

    def _on_navigated(self, event: dict[str, Any]) -> None:
        """Forget what the document before was still waiting for."""
        frame = event["frame"]
        if frame["id"] == self._frame:
            for request in [r for r, by in self._in_flight.items() if by != frame["loaderId"]]:
                self._on_finished({"requestId": request})

    def _on_crashed(self, _: dict[str, Any]) -> None:
        """Chromium gives no answers for a page whose process died; end the wait for them."""
        self.crashed = True
        self._session._on_closed()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that an event asks for; the page may be gone before it is done."""

        async def quietly() -> None:
            with contextlib.suppress(PyppeteerError, WebSocketException, OSError):
                await work

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _answer(document: Document) -> dict[str, Any]:
    """The plain page, as parameters of `Fetch.fulfillRequest`; its charset was found out before."""
    headers = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
    body = base64.b64encode(document.html.encode("utf-8", "replace")).decode()
    return {"responseCode": 200, "responseHeaders": headers, "body": body}


def _ask(client: Any, method: str, parameters: dict[str, Any] | None = None) -> Awaitable[Any]:
    """Send a command.

    pyppeteer breaks down when the future it is to fill has been cancelled: it is shielded. And an
    error that nobody waits for any more is taken note of, or asyncio prints it; that goes for the
    message that carries a session's command, too.
    """
    answer: asyncio.Future[Any] = client.send(method, parameters or {})
    carrier = getattr(client, "_connection", None) or client
    for future in (answer, carrier._callbacks.get(carrier._lastId)):
        if future:
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return asyncio.shield(answer)


def _is_open(connection: Any) -> bool:
    return bool(connection._connected)
