"""Lines asked in the gateway's own process, where no broker is configured."""

import asyncio
import logging
from traceback import format_tb

from serving.batches.hand import Hand
from serving.store.database import StoreUnavailableError

_STORE_SECONDS = 1.0
_log = logging.getLogger("onbrand.batches")


class Embedded:
    """Asks a few lines at once.

    Args:
        hand: Asks one.
        concurrency: How many at once.
    """

    def __init__(self, hand: Hand, concurrency: int) -> None:
        self._hand = hand
        self._concurrency = concurrency
        self._there = asyncio.Event()

    async def offer(self, due: int) -> None:
        """There are lines that may be asked now."""
        if due:
            self._there.set()

    async def run(self) -> None:
        """Ask lines until cancelled; those under way are put back then."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hand.watch())
            for _ in range(self._concurrency):
                group.create_task(self._ask())

    async def _ask(self) -> None:
        while True:
            await self._there.wait()
            self._there.clear()
            try:
                while await self._hand.take():
                    self._there.set()  # where one was there may be more, for the others too
            except StoreUnavailableError:
                await asyncio.sleep(_STORE_SECONDS)
            except Exception as error:
                # A fault of ours must not end all batches. Its message may quote what was asked.
                where = "".join(format_tb(error.__traceback__))
                _log.error("A line of a batch waits: %s.\n%s", type(error).__name__, where)
                await asyncio.sleep(_STORE_SECONDS)
