"""How many answers are under way, how many requests wait, and who has to come back later."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from serving.api_errors import ApiError, overloaded
from serving.tracing import step

_MEAN_WEIGHT = 0.1
_FIRST_GUESS_SECONDS = 2.0


class Admission:
    """Lets `concurrency` requests through at once and has `queue` more wait in order.

    Not a semaphore of asyncio's: a place goes straight to the one who has waited longest, so that a
    newcomer never overtakes, and the length of the queue is bounded. One event loop only.
    """

    def __init__(self, concurrency: int, queue: int) -> None:
        self._concurrency = concurrency
        self._queue = queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_seconds = _FIRST_GUESS_SECONDS
        self._idle = asyncio.Event()
        self._idle.set()
        self.running = 0
        self.draining = False
        """Set before shutdown: what runs and waits goes on, nothing new is taken."""

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, deadline: float) -> AsyncIterator[None]:
        """Hold a place while an answer is made.

        Args:
            deadline: Time of the event loop, in seconds, at which waiting is given up.

        Raises:
            ApiError: 503 with Retry-After: shutting down, queue full, or waited until the deadline.
        """
        with step("queue"):
            await self._enter(deadline)
        started = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            spent = asyncio.get_running_loop().time() - started
            self._mean_seconds += _MEAN_WEIGHT * (spent - self._mean_seconds)
            self._leave()

    async def until_idle(self) -> None:
        """Return once nothing runs and nothing waits."""
        await self._idle.wait()

    def retry_after(self) -> int:
        """Seconds until a place is likely: the queue's length in answers, by their mean time."""
        rounds = (self.waiting + 1) / self._concurrency
        return min(max(math.ceil(rounds * self._mean_seconds), 1), 60)

    async def _enter(self, deadline: float) -> None:
        if self.draining:
            raise overloaded("The gateway is shutting down.", "shutting_down", 5)
        if self.running < self._concurrency:
            self.running += 1
            self._idle.clear()
            return
        if len(self._waiting) >= self._queue:
            message = f"All places are taken and {len(self._waiting)} requests wait already."
            raise overloaded(message, "queue_full", self.retry_after())
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn
        except BaseException as error:
            # The place may have been handed over in the same moment.
            if turn.done() and not turn.cancelled():
                self._leave()
            else:
                with suppress(ValueError):  # who left in the same moment has taken it out
                    self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._waited_in_vain() from error
            raise

    def _waited_in_vain(self) -> ApiError:
        message = "No place became free in the time this request may take."
        return overloaded(message, "queue_timeout", self.retry_after())

    def _leave(self) -> None:
        """Hand the place to the next in line, or give it back."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1
        if not self.running:
            self._idle.set()
