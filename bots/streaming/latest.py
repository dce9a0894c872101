"""The newest of many texts, drawn one at a time and no faster than a pace."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)


class Latest:
    """Draws what `show` was given last, in a task of its own; what came in between is skipped.

    Args:
        draw: Puts a text on the platform. One call at a time, the first at once.
        seconds: Least time between the beginnings of two calls.
    """

    def __init__(self, draw: Callable[[str], Awaitable[None]], seconds: float) -> None:
        self._draw = draw
        self._seconds = seconds
        self._waiting: str | None = None
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def show(self, text: str) -> None:
        """Draw `text` when it is time, unless a newer one comes before."""
        if self._closed.is_set():
            return
        self._waiting = text
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Draw nothing more; when this returns, no drawing is under way."""
        self._closed.set()
        self._changed.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._closed.is_set():
                return
            text, self._waiting = self._waiting, None
            started = loop.time()
            if text is not None:
                await self._draw_one(text)
            await self._pause(started + self._seconds - loop.time())

    async def _draw_one(self, text: str) -> None:
        try:
            await self._draw(text)
        except OnbrandError as error:  # the next text, or the end, says it again
            _log.warning("A part of an answer could not be shown yet: %s", error)
        except Exception:  # a fault of ours; it must not keep the end from being shown
            _log.exception("A fault while a part of an answer was shown.")

    async def _pause(self, seconds: float) -> None:
        """Wait, unless it is closed before."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self._closed.wait(), seconds)
            except TimeoutError:
                return
