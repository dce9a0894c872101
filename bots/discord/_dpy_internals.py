"""Every touch of what discord.py does not offer openly, checked when this is imported.

Written for discord.py 2.7. When a release changes one of these, the check below says which,
instead of a bot that misbehaves.
"""

import asyncio
import inspect
import logging
from typing import Any, Literal

import discord
import yarl
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

from onbrand.errors import OnbrandError

_LONGEST_WAIT = 10.0
"""Between two tries to connect. discord.py's own grow to a quarter of an hour."""


class _PatientBackoff(ExponentialBackoff[Literal[False]]):
    def delay(self) -> float:
        return min(super().delay(), _LONGEST_WAIT)


class _OneLine(logging.Filter):
    """Lets no traceback into the log for a connection that broke: what broke says enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            record.msg = f"{record.getMessage()}: {type(error).__name__}: {error}"
            record.args, record.exc_info, record.levelno = (), None, logging.WARNING
            record.levelname = "WARNING"
        return True


_request = HTTPClient.request
_under_way: set["asyncio.Task[Any]"] = set()


async def _request_to_its_end(http: HTTPClient, route: Route, **options: Any) -> Any:
    """Request what goes on although nobody waits for it any more.

    discord.py 2.7 holds all requests back while one sleeps for the global rate limit; were that
    one cancelled in its sleep, as typing is when an answer ends, they would be held for ever.
    """
    task = asyncio.ensure_future(_request(http, route, **options))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    return await asyncio.shield(task)


def calm() -> None:
    """Reconnect soon after an outage; end each request; log for people who run a bot.

    For every client of this process; before the first is made.
    """
    vars(discord.client)["ExponentialBackoff"] = _PatientBackoff
    HTTPClient.request = _request_to_its_end  # type: ignore[assignment,method-assign]
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # we do not talk
    # Its debug log shows what people wrote.
    logging.getLogger("discord").setLevel(logging.WARNING)
    client_log = logging.getLogger("discord.client")
    if not any(isinstance(each, _OneLine) for each in client_log.filters):
        client_log.addFilter(_OneLine())


def use_addresses(rest: str, gateway: str) -> None:
    """Send every client of this process elsewhere than to discord.com.

    Args:
        rest: REST API with its version, without a slash at its end.
        gateway: Where new sessions are opened; "" leaves it. Resumed ones go where Discord said.
    """
    Route.BASE = rest
    if gateway:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)


async def gateway_address(client: discord.Client) -> str:
    """The gateway that the REST API names, as `GET /gateway/bot` documents; after the login.

    Raises:
        discord.GatewayNotFound: it names none.
    """
    _, url, _ = await client.http.get_bot_gateway()
    return url


def has_socket(client: discord.Client) -> bool:
    """Whether it ever had a connection to the gateway."""
    return client.ws is not None


def socket_open(client: discord.Client) -> bool:
    """Whether its connection to the gateway is open."""
    return client.ws is not None and client.ws.open


def forget_resume_address(client: discord.Client) -> None:
    """Try the next connection at the usual gateway, not where the last session was.

    Without it discord.py knocks for ever at a host that is gone.
    """
    if client.ws is not None:
        client.ws.gateway = DiscordWebSocket.DEFAULT_GATEWAY


def verify() -> None:
    """Look whether discord.py still has what this module uses.

    Raises:
        OnbrandError: it has not; which, and what to do.
    """
    missing = [
        f"{owner.__name__}.{name}"
        for owner, name in (
            (Route, "BASE"),
            (DiscordWebSocket, "DEFAULT_GATEWAY"),
            (DiscordWebSocket, "open"),
            (HTTPClient, "get_bot_gateway"),
            (HTTPClient, "request"),
            (discord.client, "ExponentialBackoff"),
            (discord.VoiceClient, "warn_nacl"),
            (discord.VoiceClient, "warn_dave"),
        )
        if not hasattr(owner, name)
    ]
    source = inspect.getsource(discord.Client.connect)
    if "self.ws.gateway" not in source or "self.ws = " not in source:
        missing.append("Client.connect, which reconnects to Client.ws.gateway")
    if missing:
        raise OnbrandError(
            f"discord.py {discord.__version__} lacks {', '.join(missing)}, which Onbrand uses. "
            'Install the one it was tested with: pip install "discord.py==2.7.1".'
        )


verify()
