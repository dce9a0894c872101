"""The Discord bot as a process sees it: start, wait, stop."""

import asyncio
from contextlib import suppress

import discord

from bots.discord import _dpy_internals as internals
from bots.discord.client import OnbrandClient
from bots.discord.posting import FAILURES
from bots.platform import FrontDesk
from onbrand.errors import OnbrandError, UsageError
from onbrand.secrets import secret
from onbrand.workspace import Workspace

TOKEN = "DISCORD_BOT_TOKEN"  # noqa: S105 - the variable's name
PORTAL = "https://discord.com/developers/applications"


class DiscordBot:
    """A `bots.platform.Bot`.

    Args:
        workspace: Whose settings and brand it has.
        desk: Where questions go.

    Raises:
        UsageError: DISCORD_BOT_TOKEN is not set.
    """

    def __init__(self, workspace: Workspace, desk: FrontDesk) -> None:
        self._settings = workspace.config.discord
        self._token = token()
        internals.calm()
        self._client = OnbrandClient(desk, workspace.config)
        self.platform = self._client.platform
        self._connection: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See `Bot.start`."""
        await log_in(self._client, self._settings.api_url, self._settings.socket_url, self._token)
        self._connection = asyncio.create_task(self._connect())
        ready = asyncio.create_task(self._client.wait_until_ready())
        await asyncio.wait({ready, self._connection}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._connection.done():
            await self.wait()
            raise OnbrandError("Discord closed the connection before it was ready.")

    async def _connect(self) -> None:
        """Stay connected; discord.py reconnects and resumes by itself."""
        while True:
            try:
                await self._client.connect()
                return
            except AttributeError:
                # What discord.py 2.7 falls over when the very first connection fails.
                if internals.has_socket(self._client):
                    raise

    def connected(self) -> bool:
        """See `Bot.connected`."""
        return self._client.is_ready() and internals.socket_open(self._client)

    async def wait(self) -> None:
        """See `Bot.wait`."""
        assert self._connection is not None, "start() comes first"  # noqa: S101
        try:
            await self._connection
        except discord.PrivilegedIntentsRequired as error:
            raise UsageError(
                "Discord does not let the bot read messages: switch on Message Content Intent at "
                f"{PORTAL} (your application, Bot, Privileged Gateway Intents), or set "
                "message_content = false under [discord] in brand.toml; then it reads only what "
                "mentions it, and direct messages."
            ) from error
        except discord.ConnectionClosed as error:
            if error.code == 4004:
                raise _wrong_token() from error
            raise OnbrandError(
                f"Discord closed the connection for good, with code {error.code}."
            ) from error

    async def stop(self) -> None:
        """See `Bot.stop`."""
        await self._client.close()
        if self._connection is not None:
            self._connection.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._connection


def token() -> str:
    """The bot's token from the environment.

    Raises:
        UsageError: it is not there.
    """
    found = secret(TOKEN)
    if not found:
        raise UsageError(
            f"{TOKEN} is not set. Copy the token at {PORTAL} (your application, Bot, Reset Token) "
            f"into that environment variable or the workspace's .env file."
        )
    return found


async def log_in(client: discord.Client, rest: str, gateway: str, token: str) -> None:
    """Make sure of the token, and of where the gateway is.

    Args:
        client: To be logged in.
        rest: REST API with its version.
        gateway: The gateway's address; "" asks the REST API.
        token: The bot's.

    Raises:
        UsageError: Discord does not know the token.
        OnbrandError: Discord does not answer.
    """
    internals.use_addresses(rest, gateway)
    try:
        await client.login(token)
        if not gateway:
            internals.use_addresses(rest, await internals.gateway_address(client))
    except discord.LoginFailure as error:
        raise _wrong_token() from error
    except (*FAILURES, discord.GatewayNotFound) as error:
        said = f"status {error.status}" if isinstance(error, discord.HTTPException) else error
        raise OnbrandError(
            f"Discord does not answer at {rest}: {said or type(error).__name__}."
        ) from error


def _wrong_token() -> UsageError:
    return UsageError(
        f"Discord does not know the token in {TOKEN}. Reset it at {PORTAL} (your application, Bot, "
        "Reset Token) and set the variable to the new one."
    )
