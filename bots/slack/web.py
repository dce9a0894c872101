"""The client for Slack's Web API: what is tried again, and what an error means."""

import asyncio
import logging
import random
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler, RetryState
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.web.async_client import AsyncWebClient

from bots.platform import UndeliverableError
from bots.retry_after import retry_after
from onbrand.errors import OnbrandError

LIBRARIES = logging.getLogger("bots.slack.libraries")
"""Where Bolt and the SDK log. Their debug log holds people's messages, so it is never on."""
LIBRARIES.setLevel(logging.WARNING)


class _Discreet(logging.Filter):
    """A socket's ticket is nobody's business.

    A library's traceback helps nobody who only runs the bot; `--verbose` shows it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _TICKET.sub(r"\1…", record.getMessage()), None
        if not logging.getLogger("bots").isEnabledFor(logging.DEBUG):
            record.exc_info = None
        return True


_TICKET = re.compile(r"(ticket=)[^&\s'\")]+")
LIBRARIES.addFilter(_Discreet())

_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
_RATE_LIMIT_TRIES = 20
_PATIENCE_SECONDS = 300.0
_LIMITED = {"ratelimited", "rate_limited"}
_UNSURE = {"internal_error", "fatal_error"}
"""Of these Slack says itself that some of what was asked may have been done."""
_PASSING = {
    *_LIMITED,
    *_UNSURE,
    "external_channel_migrating",
    "messaging_processing_failed",
    "org_login_required",
    "request_timeout",
    "service_unavailable",
    "streaming_state_conflict",
    "team_added_to_org",
    "timeout",
    "update_failed",
}
GONE = {"thread_not_found", "channel_not_found", "message_not_found", "not_in_channel"}
"""Errors after which there is nothing to read, now or later."""
_MEANINGS = {
    "account_inactive": "The Slack app was removed from the workspace; install it again.",
    "channel_not_found": "The channel is gone, or the bot was never invited to it.",
    "invalid_auth": "Slack refuses the bot token; copy it anew to SLACK_BOT_TOKEN.",
    "is_archived": "The channel is archived.",
    "missing_scope": "The Slack app lacks a scope; `onbrand bot slack check` names it.",
    "not_in_channel": "The bot is not in the channel; invite it with /invite.",
    "restricted_action": "The workspace does not let the bot write in this channel.",
    "thread_not_found": "The thread was deleted.",
    "token_revoked": "The bot token was revoked; install the Slack app again.",
}

ERRORS = (SlackClientError, aiohttp.ClientError, TimeoutError)
"""All that a call of a method can raise."""

Result = TypeVar("Result")


class _Repeatable(AsyncRetryHandler):
    """Tries a method again after a lost connection or a 5xx, if twice does no harm.

    The SDK's own handlers would also repeat `chat.postMessage`, and post twice when only the
    response was lost.
    """

    _METHODS = (
        "apps.connections.open",
        "assistant.threads.setSuggestedPrompts",
        "auth.test",
        "conversations.",
        "users.",
    )

    def __init__(self) -> None:
        super().__init__(max_retry_count=3)
        self._handlers = [AsyncConnectionErrorRetryHandler(3), AsyncServerErrorRetryHandler(3)]

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        method = urlsplit(request.url).path.rpartition("/")[2]
        if not method.startswith(self._METHODS):
            return False
        for handler in self._handlers:
            if await handler._can_retry_async(
                state=state, request=request, response=response, error=error
            ):
                return True
        return False


class _AsTold(AsyncRateLimitErrorRetryHandler):
    """Waits as long as `Retry-After` says; the SDK's own fails where that is no whole number."""

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        state.next_attempt_requested = True
        # Not all at the same moment.
        await asyncio.sleep(_asked_to_wait(response) + random.random() / 2)
        state.increment_current_attempt()


def _asked_to_wait(response: HttpResponse | None) -> float:
    headers = {} if response is None else response.headers
    given = {name.lower(): values[0] for name, values in headers.items() if values}
    seconds = retry_after(given.get("retry-after"))
    return 1.0 if seconds is None else seconds


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine, where no proxy of the environment has any business."""
    return (urlsplit(url).hostname or "") in ("127.0.0.1", "localhost", "::1")


def make_session(api_url: str) -> aiohttp.ClientSession:
    """One pool of connections for all methods; the SDK would open one for each call."""
    return aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=not is_loopback(api_url))


def patience() -> list[AsyncRetryHandler]:
    """What waits when Slack says 429."""
    return [_AsTold(_RATE_LIMIT_TRIES)]


def make_client(
    token: str, api_url: str, session: aiohttp.ClientSession, patient: bool = True
) -> AsyncWebClient:
    """A client for `api_url`.

    Args:
        token: The bot's token.
        api_url: With a slash at its end.
        session: For all requests.
        patient: Whether it waits when Slack says 429; if not, the error comes at once.
    """
    handlers: list[AsyncRetryHandler] = [_Repeatable()]
    if patient:
        handlers += patience()
    client = AsyncWebClient(
        token=token, base_url=api_url, session=session, logger=LIBRARIES, retry_handlers=handlers
    )
    if is_loopback(api_url):
        client.proxy = None  # the constructor takes it from the environment, argument or not
    return client


def code(error: Exception) -> str:
    """Slack's word for an error, such as `channel_not_found`; "" when it sent none."""
    if not isinstance(error, SlackApiError) or isinstance(error.response, str):
        return ""
    data = getattr(error.response, "data", None)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _status(error: Exception) -> int:
    """Of the response, which is the SDK's or aiohttp's; 0 when there was none."""
    response = getattr(error, "response", None)
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)


def is_limited(error: Exception) -> bool:
    """Whether it was too much at once; nothing was done."""
    return code(error) in _LIMITED or _status(error) == 429


def may_be_done(error: Exception) -> bool:
    """Whether Slack may have done what was asked although the call failed."""
    if code(error):
        return code(error) in _UNSURE
    return not 400 <= _status(error) < 500


def will_pass(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    return is_limited(error) or may_be_done(error) or code(error) in _PASSING


def sentence(error: Exception) -> str:
    """What an error means, and what to do about it; never what was sent."""
    if word := code(error):
        return _MEANINGS.get(word, f"Slack answered {word}.")
    if status := _status(error):
        return f"Slack answered with status {status}."
    return "Slack cannot be reached."


def trouble(error: Exception) -> OnbrandError:
    """A failed call as the desk understands it: for good, or only for now."""
    return (
        OnbrandError(sentence(error)) if will_pass(error) else UndeliverableError(sentence(error))
    )


async def persist(call: Callable[[], Awaitable[Result]]) -> Result:
    """Make a call that may be repeated until it succeeds, for minutes if need be.

    Raises:
        SlackApiError: it never will.
        aiohttp.ClientError: it did not within minutes; also TimeoutError.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + _PATIENCE_SECONDS, 0.5
    while True:
        try:
            return await call()
        except ERRORS as error:
            if not will_pass(error) or loop.time() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, 15.0)
