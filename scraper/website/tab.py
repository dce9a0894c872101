"""One tab of Chromium: shows a page, lets its JavaScript run, reads what came of it."""

import asyncio
import base64
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scraper.website.devtools import FAILURES, DevTools, Session

MOST_DOCUMENTS = 5
"""Documents that the main frame may load, one after the other; a page that goes on is held."""
MOST_REQUESTS = 1000
"""Requests of one page; further ones are refused."""
MOST_NEW_REQUESTS = 100
"""Requests within one wait for rest; a page that makes more, and goes on, asks without end."""
LARGEST_DOM = 10_000_000
"""Characters of HTML."""
CLOSE_SECONDS = 3.0
"""Longest wait until a tab is gone; Chromium hangs as a whole where it takes longer."""
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


@dataclass(frozen=True)
class Access:
    """What pages may have of the network."""

    may_load: Callable[[str, str], Awaitable[bool]]
    """Whether a page may request a URL for a resource type of the DevTools protocol's `Network`."""
    may_answer: Callable[[str, str], Awaitable[bool]]
    """Whether a page may have what an IP address answered for a URL."""


class RenderError(Exception):
    """The reason why Chromium gave no page."""


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
    cut_short_after: float | None = None
    """Seconds after which it was read although it was still loading."""


class Tab:
    """A tab with its own browser context, used for one page after the other."""

    def __init__(self, connection: DevTools, access: Access, patience: float) -> None:
        """Ask nothing of Chromium yet; `patience` are the seconds a page has to come to rest."""
        self._connection = connection
        self._access = access
        self._patience = patience
        self.crashed = False
        self._context = ""
        self._session: Session
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
        self._answered: set[tuple[str, str]] = set()
        """Origins, each with an IP address that answered for it."""

    async def open(self, user_agent: str) -> None:
        """Make the tab; nothing it asks for gets past `_judge` from here on."""
        made = await self._connection.ask("Target.createBrowserContext")
        self._context = made["browserContextId"]
        place = {"url": "about:blank", "browserContextId": self._context, "newWindow": True}
        target = await self._connection.ask("Target.createTarget", place)
        self._frame = target["targetId"]
        session = self._session = await self._connection.attach(self._frame, self._on_end)
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
            self._connection.ask("Browser.setDownloadBehavior", refuse),
            session.ask("Page.enable"),
            session.ask("Network.enable"),
            session.ask("Inspector.enable"),
            session.ask("Target.setAutoAttach", hold),
            session.ask("Network.setUserAgentOverride", {"userAgent": user_agent}),
            session.ask("Page.addScriptToEvaluateOnNewDocument", {"source": _AT_START}),
            session.ask("Fetch.enable", {"patterns": [{"urlPattern": "*"}]}),
        )

    async def close(self) -> bool:
        """Throw the tab away; whether that succeeded."""
        for task in self._tasks:
            task.cancel()
        context = {"browserContextId": self._context}
        try:
            await asyncio.wait_for(
                self._connection.ask("Target.disposeBrowserContext", context), CLOSE_SECONDS
            )
        except FAILURES:
            return False
        return True

    async def load(self, document: Document) -> Rendered:
        """Show the document, wait until it rests, read it and end it."""
        self._forget()
        self._document = document
        going = await self._session.ask("Page.navigate", {"url": document.url})
        if going.get("errorText"):
            raise RenderError(going["errorText"])
        cut_short_after = await self._come_to_rest()
        if self._status >= 400:
            raise RenderError(f"it leads to a page that answers HTTP {self._status}")
        seen = await self._evaluate(_READ)
        if seen["html"] is None:
            raise RenderError(f"its document is larger than {LARGEST_DOM // 1_000_000} MB")
        await self._clear(seen["url"])
        for origin, address in sorted(self._answered):
            if not await self._access.may_answer(origin, address):
                raise RenderError(f"{address}, which is private, answered for {origin}")
        return Rendered(seen["html"], seen["url"], frozenset(self._refused), cut_short_after)

    async def _clear(self, url: str) -> None:
        """Every page is seen as by a first visitor, so that their order does not matter."""
        kinds = {"origin": _origin(url), "storageTypes": "indexeddb,cache_storage"}
        await asyncio.gather(
            self._session.ask("Network.clearBrowserCookies"),
            self._session.ask("Storage.clearDataForOrigin", kinds),
        )

    async def _come_to_rest(self) -> float | None:
        """Wait until nothing is on its way and the document has stopped to change.

        Where patience ends before that and something is still on its way: after how many seconds.
        """
        started = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while True:
                    await self._silent.wait()
                    before = self._requests
                    try:
                        settled = await self._evaluate(_REST)
                    except FAILURES:
                        if not self._session.is_open:
                            raise
                        await asyncio.sleep(0.02)  # it went to another page
                        continue
                    new = self._requests - before
                    if not new or (not settled and self._silent.is_set()):
                        return None
                    if not settled and new > MOST_NEW_REQUESTS:
                        break
        return time.monotonic() - started if self._in_flight else None

    async def _evaluate(self, expression: str) -> Any:
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = await self._session.ask("Runtime.evaluate", asked)
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
                await self._session.ask("Fetch.fulfillRequest", {**request, **_answer(document)})
                return
            allowed = self._documents <= MOST_DOCUMENTS and await self._access.may_load(url, kind)
        else:
            allowed = (
                kind not in _UNSEEN
                and self._requests <= MOST_REQUESTS
                and await self._access.may_load(url, kind)
            )
            if not allowed and kind in _NEEDED:
                self._refused.add(url)
        if allowed:
            await self._session.ask("Fetch.continueRequest", request)
        else:
            # Aborted, not BlockedByClient: that would put an error page in the document's place.
            await self._session.ask("Fetch.failRequest", {**request, "errorReason": "Aborted"})

    async def _say(self, event: dict[str, Any]) -> None:
        """Dismiss what a page asks of its reader; leaving the page is always agreed to."""
        leaves = event["type"] == "beforeunload"
        await self._session.ask("Page.handleJavaScriptDialog", {"accept": leaves})

    def _on_request(self, event: dict[str, Any]) -> None:
        self._requests += 1
        self._in_flight[event["requestId"]] = event["loaderId"]
        self._silent.clear()

    def _on_finished(self, event: dict[str, Any]) -> None:
        self._in_flight.pop(event["requestId"], None)
        if not self._in_flight:
            self._silent.set()

    def _on_response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        if event["type"] == "Document" and event.get("frameId") == self._frame:
            self._status = response["status"]
        if address := response.get("remoteIPAddress"):
            self._answered.add((_origin(response["url"]), address))

    def _on_navigated(self, event: dict[str, Any]) -> None:
        """Forget what the document before was still waiting for."""
        frame = event["frame"]
        if frame["id"] == self._frame:
            for request in [r for r, by in self._in_flight.items() if by != frame["loaderId"]]:
                self._on_finished({"requestId": request})

    def _on_crashed(self, _: dict[str, Any]) -> None:
        """Chromium gives no answers for a page whose process died; end the wait for them."""
        self.crashed = True
        self._session.end()

    def _on_end(self) -> None:
        """Nothing comes any more, so nothing is to be waited for."""
        self._silent.set()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that an event asks for; the page may be gone before it is done."""

        async def quietly() -> None:
            with contextlib.suppress(*FAILURES):
                await work

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # cancelled before it began, it is open


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _answer(document: Document) -> dict[str, Any]:
    """The plain page, as parameters of `Fetch.fulfillRequest`; its charset was found out before."""
    headers = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
    body = base64.b64encode(document.html.encode("utf-8", "replace")).decode()
    return {"responseCode": 200, "responseHeaders": headers, "body": body}
