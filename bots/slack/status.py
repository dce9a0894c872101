"""The sign of life before the first word: Slack's status below the thread."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.web import ERRORS, sentence

_log = logging.getLogger(__name__)
_WORKING = "is thinking…"
_REFRESH_SECONDS = 100.0  # Slack takes it away after two minutes without a message
_WAIT_SECONDS = 0.7


class Status:
    """`is thinking…`, with loading messages that take turns.

    https://docs.slack.dev/reference/methods/assistant.threads.setStatus

    Args:
        client: One that does not wait when Slack says 429: a late sign of life is none.
        channel: Where.
        root: The thread.
        loading: Shown in turn.
    """

    def __init__(
        self, client: AsyncWebClient, channel: str, root: str, loading: Sequence[str]
    ) -> None:
        self._client = client
        self._channel = channel
        self._root = root
        self._loading = list(loading)
        self._shown = False
        self._gone = False
        """Whether Slack took it away because a message came."""
        self._refreshing: asyncio.Task[None] | None = None

    async def show(self) -> bool:
        """Show it; False when Slack did not within the time in which it is of use."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._set(_WORKING)
        except ERRORS as error:
            _log.debug("No status is shown: %s", sentence(error))
            return False
        if self._gone:
            self._gone = False  # it came after the message, and nothing takes it away
        else:
            self._refreshing = asyncio.create_task(self._refresh())
        return True

    def replaced(self) -> None:
        """A message came, with which Slack takes it away."""
        self._gone = True
        if self._refreshing is not None:
            self._refreshing.cancel()

    async def hide(self) -> None:
        """Take it away, if it is still there."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing
        if self._shown and not self._gone:
            try:
                await self._set("")
            except ERRORS as error:
                _log.debug("The status stays until Slack takes it away: %s", sentence(error))

    async def _set(self, status: str) -> None:
        # Before the request: without an answer it may be shown as well.
        self._shown = bool(status)
        await self._client.assistant_threads_setStatus(
            channel_id=self._channel,
            thread_ts=self._root,
            status=status,
            loading_messages=self._loading if status and self._loading else None,
        )

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            try:
                await self._set(_WORKING)
            except ERRORS as error:
                _log.debug("The status was not renewed: %s", sentence(error))
