"""One request to Discord, repeated while its failure may pass.

discord.py itself waits out rate limits and repeats 500, 502 and 504. What it leaves: 503, a 429
from the network in front of Discord, a broken connection. Repeating a new message is safe because
it carries a nonce that Discord enforces.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import discord

from bots.platform import UndeliverableError
from bots.retry_after import retry_after
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
PATIENCE_SECONDS = 300.0
_REQUEST_SECONDS = 120.0
"""Longest that one request may take, rate limits waited out among it."""
_LONGEST_PAUSE = 15.0

FAILURES = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""What a request of discord.py raises when Discord refuses it or cannot be reached."""
UNKNOWN_MESSAGE = 10008
_REASONS = {
    10003: "The channel is gone",
    10004: "The server is gone",
    50001: "I may not see this channel",
    50007: "This person takes no direct messages from me",
    50013: "I may not write here",
    50083: "This thread is archived",
    160005: "This thread is locked",
}
"""Error codes: https://docs.discord.com/developers/topics/opcodes-and-status-codes#json"""


class MessageGoneError(UndeliverableError):
    """The message was deleted by a person."""


class NotAllowedError(UndeliverableError):
    """The bot lacks a permission."""


async def persist(
    request: Callable[[], Awaitable[_Result]], *, seconds: float = PATIENCE_SECONDS
) -> _Result:
    """The result of `request`, however often it has to be made.

    Args:
        request: Makes it once.
        seconds: How long it is made again.

    Raises:
        MessageGoneError: it concerns a message that was deleted.
        UndeliverableError: Discord refuses it for good.
        OnbrandError: it does not take it for so long.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = 0.5
    while True:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                return await request()
        except discord.HTTPException as error:
            if error.status != 429 and error.status < 500:
                raise refusal(error) from error
            wait = retry_after(error.response.headers.get("Retry-After")) or pause
            said = f"{error.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            wait, said = pause, type(error).__name__
        pause = min(pause * 2, _LONGEST_PAUSE)
        wait *= 1 + random.random() / 10
        if loop.time() + wait > deadline:
            raise OnbrandError(f"Discord took no request for {seconds:.0f} s ({said}).")
        _log.info("Discord could not take a request (%s); again in %.1f s.", said, wait)
        await asyncio.sleep(wait)


def refusal(error: discord.HTTPException) -> UndeliverableError:
    """Why Discord will never take it, in a sentence."""
    if error.code == UNKNOWN_MESSAGE:
        return MessageGoneError("The message was deleted.")
    reason = _REASONS.get(error.code, f"Discord refuses it: {error.text or error.status}")
    kind = NotAllowedError if error.code in (50001, 50013) else UndeliverableError
    return kind(f"{reason} (Discord error {error.code}).")
