"""How fast a host is asked: so many at once, with pauses, and not at all while it wants a rest."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LONGEST_REST = 300.0
"""Seconds waited for a host at most; one that wants a longer rest is not waited for."""


class Pace:
    """Spreads the requests to each host."""

    def __init__(self, delay_seconds: float, most_at_once: int) -> None:
        """A pause after each request, and so many at once to one host; 0: as many as come."""
        self._delay = delay_seconds
        self._delays: dict[str, float] = {}
        self._free_at: dict[str, float] = {}
        self._places: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(most_at_once or 1_000_000)
        )

    def slow_down(self, host: str, delay_seconds: float) -> None:
        """Use at least this pause for the host from now on."""
        self._delays[host] = max(delay_seconds, self._delay)

    def hold(self, host: str, seconds: float) -> None:
        """Send the host nothing for so long."""
        self._free_at[host] = max(self._free_at.get(host, 0.0), time.monotonic() + seconds)

    def held_for(self, host: str) -> float:
        """Seconds for which the host is to be sent nothing."""
        return max(0.0, self._free_at.get(host, 0.0) - time.monotonic())

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait until a request may go to the host; the block is the request.

        Where the host is held for longer than `LONGEST_REST` nothing is waited for.
        """
        async with self._places[host]:
            while 0 < (wait := self.held_for(host)) <= LONGEST_REST:
                await asyncio.sleep(wait)
            if delay := self._delays.get(host, self._delay):
                self.hold(host, delay)
            yield
