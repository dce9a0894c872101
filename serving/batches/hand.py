"""Asking lines: claim one, ask it, write down the answer; as often as lines are there."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple

from serving.batches.lines import MOST_ATTEMPTS, Line, Lines
from serving.store.database import Database, StoreUnavailableError

_log = logging.getLogger("onbrand.batches")
_WATCH_SECONDS = 1.0
_STORE_SECONDS = 1.0
"""Between two tries to write down an answer that the store cannot take now."""
_PAUSE_SECONDS = 5.0
"""When the gateway has no room and does not say for how long."""
_NO_ROOM = (429, 503)
_WORTH_ANOTHER_TRY = 500


class Reply(NamedTuple):
    """What a line was answered."""

    status: int
    """HTTP's."""
    body: dict[str, Any]
    retry_after: float | None = None
    """Seconds; with 429 and 503."""


Answer = Callable[[Line], Awaitable[tuple[int, dict[str, Any]] | Reply]]
"""Answers a line; cancelled, it stops the engine. Anything it raises counts as a 500."""


class Hand:
    """What one process asks at this moment.

    Args:
        database: Where the lines are.
        answer: Who answers them.
    """

    def __init__(self, database: Database, answer: Answer) -> None:
        self._lines = Lines(database, secrets.token_hex(8))
        self._answer = answer
        self._under_way: dict[int, asyncio.Task[Reply]] = {}

    async def take(self) -> bool:
        """Ask one line; False when there was none to ask.

        Cancelled, it puts the line back.

        Raises:
            StoreUnavailableError: no line can be had now.
        """
        line = await self._lines.claim()
        if line is None:
            return False
        asking = asyncio.create_task(self._ask(line))
        self._under_way[line.id] = asking
        try:
            await self._conclude(line, await asking)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                with suppress(StoreUnavailableError):  # its lease ends by itself then
                    await self._lines.put_back(line)
                raise
            # `watch` took it away: the batch was cancelled, or the line is another's.
        finally:
            self._under_way.pop(line.id, None)
        return True

    async def watch(self) -> None:
        """Keep what is under way, and stop what is no longer wanted; until cancelled."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            asked = set(self._under_way)
            if not asked:
                continue
            try:
                wanted = await self._lines.renew()
            except StoreUnavailableError:
                continue
            except Exception as error:
                _log.error("Lines under way: %s", type(error).__name__)
                continue
            for line_id in asked - wanted:
                if asking := self._under_way.get(line_id):
                    asking.cancel()

    async def _ask(self, line: Line) -> Reply:
        try:
            return Reply(*await self._answer(line))
        except Exception as error:
            # Without its message, which may quote what was asked.
            _log.error("%s: %s", line.request_id, type(error).__name__)
            message = "This request could not be answered."
            detail = {"message": message, "type": "api_error", "param": None, "code": None}
            return Reply(500, {"error": detail})

    async def _conclude(self, line: Line, reply: Reply) -> None:
        """Write down what came of it, however long the store takes to be there again."""
        while True:
            try:
                if reply.status in _NO_ROOM:
                    # People have it; each further line would only be refused as well.
                    wait = reply.retry_after or _PAUSE_SECONDS
                    await self._lines.pause(line.batch_id, wait)
                    await self._lines.put_back(line)
                elif reply.status >= _WORTH_ANOTHER_TRY and line.attempts + 1 < MOST_ATTEMPTS:
                    wait = 2.0**line.attempts
                    await self._lines.put_back(line, wait_seconds=wait, failed=True)
                else:
                    await self._lines.record(line, reply.status, reply.body)
                return
            except StoreUnavailableError:
                await asyncio.sleep(_STORE_SECONDS)
