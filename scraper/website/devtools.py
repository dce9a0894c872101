"""The client of Chromium's DevTools protocol. Every call to pyppeteer is here.

Of pyppeteer 2.0.0, which is unmaintained, only this client is used
(https://chromedevtools.github.io/devtools-protocol/): its own `Page` lets a navigation hang, cannot
intercept requests in today's Chromium, and costs more than the page itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pyppeteer.connection import CDPSession, Connection
from pyppeteer.errors import PyppeteerError
from websockets.exceptions import WebSocketException

FAILURES = (PyppeteerError, WebSocketException, OSError)
"""What a command raises that Chromium refuses, or does not answer any more."""

logging.getLogger("pyppeteer").setLevel(logging.CRITICAL)


class DevTools(Connection):  # type: ignore[misc]
    """The connection to one Chromium."""

    @classmethod
    async def open(cls, endpoint: str) -> "DevTools":
        """Connect to a WebSocket address; raises one of `FAILURES` where that fails."""
        made = cls(endpoint, asyncio.get_running_loop())
        try:
            while not made._connected:
                if made._recv_fut.done():
                    made._recv_fut.result()
                    raise ConnectionError("Chromium has closed the connection")
                await asyncio.sleep(0.005)
        except BaseException:
            made._recv_fut.cancel()
            raise
        return made

    @property
    def is_open(self) -> bool:
        """Whether Chromium is there, as far as is known."""
        return bool(self._connected)

    def ask(self, method: str, parameters: dict[str, Any] | None = None) -> Awaitable[Any]:
        """Send a command to Chromium itself."""
        return _ask(self, self, method, parameters)

    async def attach(self, target: str, on_end: Callable[[], None]) -> "Session":
        """A session with a tab; `on_end` is called when it ends, whatever ends it."""
        # Not createSession(): cancelled while it waits, it would leave behind a future that
        # cannot be filled any more.
        answer = await self.ask("Target.attachToTarget", {"targetId": target})
        session = Session(self, "page", answer["sessionId"], asyncio.get_running_loop())
        session.on_end = on_end
        self._sessions[answer["sessionId"]] = session
        return session

    async def close(self) -> None:
        """Answer whatever is still asked with an error, and disconnect."""
        await self.dispose()

    async def _async_send(self, message: str, _: int) -> None:
        """Send; where the connection ends meanwhile, every command fails.

        pyppeteer gives the one that it could not send None for an answer, and after that breaks
        down before it has answered the others.
        """
        try:
            if self._connected:
                await self.connection.send(message)
        except (WebSocketException, OSError):
            await self.dispose()


class Session(CDPSession):  # type: ignore[misc]
    """Commands to one tab, and events from it, to which `on(name, react)` subscribes."""

    on_end: Callable[[], None]

    @property
    def is_open(self) -> bool:
        """Whether the tab is there, as far as is known."""
        return self._connection is not None

    def ask(self, method: str, parameters: dict[str, Any] | None = None) -> Awaitable[Any]:
        """Send a command to the tab."""
        return _ask(self, self._connection or self, method, parameters)

    def end(self) -> None:
        """Wait for no answers any more: whoever waits for one gets an error."""
        self._on_closed()

    def _on_closed(self) -> None:
        super()._on_closed()
        self.on_end()


def _ask(
    client: Any, carrier: Any, method: str, parameters: dict[str, Any] | None
) -> Awaitable[Any]:
    """Send a command.

    pyppeteer breaks down when the future it is to fill has been cancelled: it is shielded. And an
    error that nobody waits for any more is taken note of, or asyncio prints it; that goes for the
    message that carries a session's command, too.
    """
    answer: asyncio.Future[Any] = client.send(method, parameters or {})
    for future in (answer, carrier._callbacks.get(carrier._lastId)):
        if future:
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return asyncio.shield(answer)
