"""The bot in Slack, put together; see `bots.platform.Bot`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bots.platform import FrontDesk
from bots.slack import identity
from bots.slack.connection import Connection, HttpConnection, SocketConnection
from bots.slack.listeners import Listeners
from bots.slack.platform import SlackPlatform
from bots.slack.web import LIBRARIES, make_session
from onbrand.workspace import Workspace


class SlackBot:
    """Connects a workspace's brand with a Slack workspace.

    Args:
        workspace: Its `[slack]` says how.
        desk: Gets what people say.

    Raises:
        UsageError: a token is missing.
    """

    def __init__(self, workspace: Workspace, desk: FrontDesk) -> None:
        settings, brand = workspace.config.slack, workspace.config.brand
        token, url = identity.bot_token(), settings.api_url
        self._session = make_session(url)
        self._identity = identity.Identity()
        self.platform = SlackPlatform(self._identity, settings, token, self._session)

        async def authorize() -> AuthorizeResult:
            return self._identity.authorization(token)

        http = settings.mode == "http"
        with _without_advice():
            app = AsyncApp(
                name="bots.slack.bolt",  # of its loggers, whose levels it sets
                client=self.platform.client,
                logger=LIBRARIES,
                signing_secret=identity.signing_secret() if http else "not used in Socket Mode",
                authorize=authorize,
                process_before_response=True,
                attaching_conversation_kwargs_enabled=False,
            )
        self._listeners = Listeners(app, self.platform, desk, settings, brand.name)
        self._connection: Connection
        if http:
            self._connection = HttpConnection(app, settings.host, settings.port)
        else:
            self._connection = SocketConnection(
                app, identity.app_token(), url, self._listeners.catch_up
            )

    async def start(self) -> None:
        """See `Bot.start`."""
        await self._identity.learn(self.platform.client)
        self.platform.names.know(self._identity.user, self._identity.name)
        await self._connection.open()

    def connected(self) -> bool:
        """See `Bot.connected`."""
        return self._connection.connected()

    async def wait(self) -> None:
        """See `Bot.wait`."""
        await self._connection.wait()

    async def stop(self) -> None:
        """See `Bot.stop`."""
        await self._connection.close()
        await self._listeners.close()
        await self._session.close()


@contextmanager
def _without_advice() -> Iterator[None]:
    """Bolt warns that it will not use the token in the environment, which is meant so."""
    level = LIBRARIES.level
    LIBRARIES.setLevel(logging.ERROR)
    try:
        yield
    finally:
        LIBRARIES.setLevel(level)
