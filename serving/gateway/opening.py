"""Wait a while for the first piece of an answer without losing it when that takes longer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress


class Opening:
    """The pieces of an answer, to be closed whatever happens to those who read them.

    An async generator alone cannot be closed while its next piece is awaited, and one that was
    never started does not end what it holds.
    """

    def __init__(self, pieces: AsyncGenerator[str, None]) -> None:
        self._pieces = pieces
        self._pending: asyncio.Task[str] | None = None

    async def wait(self, seconds: float) -> None:
        """Return when the first piece is there, or after `seconds`; raises what it raises."""
        self._pending = asyncio.create_task(self._next())
        await asyncio.wait({self._pending}, timeout=seconds)
        if self._pending.done() and (error := self._pending.exception()):
            raise error

    def __aiter__(self) -> "Opening":
        """The pieces, one by one."""
        return self

    async def __anext__(self) -> str:
        """The next piece."""
        if self._pending is None:
            return await anext(self._pieces)
        first = await self._pending
        self._pending = None
        if not first:
            raise StopAsyncIteration
        return first

    async def aclose(self) -> None:
        """End the answer; the engine stops, the place in the queue is free."""
        if self._pending and not self._pending.done():
            self._pending.cancel()
            await asyncio.wait({self._pending})
        with suppress(RuntimeError):  # a reader that is being cancelled closes it itself
            await self._pieces.aclose()

    async def _next(self) -> str:
        return await anext(self._pieces, "")
