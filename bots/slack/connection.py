"""How Slack's events arrive: through a socket that the bot opens, or as HTTP requests."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bots.slack.web import ERRORS, LIBRARIES, code, is_loopback, will_pass
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
_PING_SECONDS = 2.0
"""Between two pings; a socket that does not answer within half of it is given up."""
_LOOK_SECONDS = 0.2
_STALE_URL_SECONDS = 5.0
_CONNECT_SECONDS = 10.0
_START_SECONDS = 30.0
_AWAY = timedelta(seconds=10)
"""A gap after which what was said meanwhile is read; also how long a socket may have been dead."""
_REFUSED_SECONDS = 15.0
"""Between two tries while Slack opens no socket, as when Socket Mode is off: it may be for days."""
_FOR_GOOD = {
    "account_inactive",
    "invalid_auth",
    "missing_scope",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
}
PATH = "/slack/events"
"""Where Slack posts events, commands and clicks to."""


class Connection(Protocol):
    """Either way."""

    async def open(self) -> None:
        """Events flow when this returns.

        Raises:
            OnbrandError: it cannot be opened.
        """

    def connected(self) -> bool:
        """Whether events can arrive."""

    async def wait(self) -> None:
        """Return never.

        Raises:
            OnbrandError: it was closed and cannot be opened again.
        """

    async def close(self) -> None:
        """No event arrives any more."""


class SocketConnection:
    """Socket Mode, opened again as soon as it breaks.

    https://docs.slack.dev/apis/events-api/using-socket-mode/

    The SDK looks after its socket once in `ping_interval`, and when a connection fails it tries the
    same URL again although Slack gives each out for one use. Both are made good for here.

    Args:
        app: Gets the events.
        token: The app-level token.
        api_url: The Web API's address.
        catch_up: Called when it is open again after a while, with the time since which it was not.
    """

    def __init__(
        self,
        app: AsyncApp,
        token: str,
        api_url: str,
        catch_up: Callable[[datetime], Coroutine[Any, Any, None]],
    ) -> None:
        self._handler = AsyncSocketModeHandler(
            app, token, logger=LIBRARIES, web_client=app.client, ping_interval=_PING_SECONDS
        )
        self._client = self._handler.client
        if is_loopback(api_url):
            self._client.proxy = None
        self._catch_up = catch_up
        self._catching_up: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._trouble = ""
        """Why the last try to open it again failed; "" when it did not."""

    async def open(self) -> None:
        """See `Connection.open`."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not self.connected():
                    await self._connect()
        except ERRORS as error:
            why = code(error) or "it cannot be reached"
            raise OnbrandError(
                f"Slack opens no socket for SLACK_APP_TOKEN ({why}); `onbrand bot slack check` "
                "says what to do."
            ) from error
        self._watching = asyncio.create_task(self._watch())

    def connected(self) -> bool:
        """See `Connection.connected`."""
        session = self._client.current_session
        return session is not None and not session.closed and not self._client.stale

    async def wait(self) -> None:
        """See `Connection.wait`."""
        if self._watching is not None:
            await asyncio.shield(self._watching)

    async def close(self) -> None:
        """See `Connection.close`."""
        for task in filter(None, (self._watching, self._catching_up)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _watch(self) -> None:
        """Open the socket again when it is closed."""
        loop = asyncio.get_running_loop()
        fetched, lost = self._client.wss_uri, 0.0
        # By the clock on the wall: a machine that slept was away as well.
        seen = datetime.now(UTC)
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self.connected():
                away = datetime.now(UTC) - seen
                if away > _AWAY:
                    self._catching_up = asyncio.create_task(self._catch_up(seen - _AWAY))
                lost, seen = 0.0, datetime.now(UTC)
                continue
            lost = lost or loop.time()
            if loop.time() - lost > _STALE_URL_SECONDS and self._client.wss_uri == fetched:
                self._client.wss_uri = None  # `connect` then asks for another one
            fetched = self._client.wss_uri
            await self._reconnect()

    async def _reconnect(self) -> None:
        """Try once; whatever it was, the next look tries again, unless that is of no use."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._client.connect_to_new_endpoint()
        except Exception as error:
            why = code(error) or type(error).__name__
            if why in _FOR_GOOD:
                raise OnbrandError(
                    f"Slack opens no socket any more ({why}); `onbrand bot slack check` says what "
                    "to do."
                ) from error
            if why != self._trouble:  # once, not every few seconds for days
                _log.warning("The connection to Slack is lost (%s); trying again.", why)
            self._trouble = why
            await asyncio.sleep(_PING_SECONDS if _may_pass(error) else _REFUSED_SECONDS)
        else:
            self._trouble = ""

    async def _connect(self) -> None:
        """Try once, with a URL of its own."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._client.connect_to_new_endpoint(force=True)


def _may_pass(error: Exception) -> bool:
    """Whether another try may help within seconds."""
    return not isinstance(error, ERRORS) or will_pass(error)


class HttpConnection:
    """An HTTP server; Bolt refuses requests with a wrong signature, or one of over five minutes.

    https://docs.slack.dev/apis/events-api/using-http-request-urls/

    Args:
        app: With the signing secret.
        host: Address to listen on.
        port: Port; 0: any.
    """

    def __init__(self, app: AsyncApp, host: str, port: int) -> None:
        self._runner = web.AppRunner(app.web_app(path=PATH), access_log=None)
        self._host, self._port = host, port
        self._open = False

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._runner.addresses[0][1])

    async def open(self) -> None:
        """See `Connection.open`."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise OnbrandError(
                f"The port for Slack cannot be opened at {self._host}:{self._port}: "
                f"{error.strerror}. Set another [slack] port in brand.toml."
            ) from error
        self._open = True

    def connected(self) -> bool:
        """See `Connection.connected`."""
        return self._open

    async def wait(self) -> None:
        """See `Connection.wait`."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """See `Connection.close`."""
        self._open = False
        await self._runner.cleanup()
