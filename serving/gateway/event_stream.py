"""A response of server-sent events that never falls silent, and ends when nobody reads it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.gateway.opening import Opening

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes"""
_LAST_WORD_SECONDS = 2.0
"""An answer that took too long itself says so; to be sent, that takes a moment more."""


class EventStream(Response):
    """Sends `events` as they come, and a comment after each `keep_alive_seconds` of silence.

    Two helping tasks a response, none a piece: Starlette's own would need a task group, and a
    timeout around each piece would cost more than the piece. So the whole has one: a reader that
    stands still would otherwise keep its place for as long as it likes.

    Args:
        events: What to send.
        source: The answer behind it, closed at the end.
        keep_alive_seconds: Longest silence.
        timeout_seconds: How long the answer may take; soon after that, it ends unread.
        headers: Of the response.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[str, None],
        source: Opening,
        keep_alive_seconds: float,
        timeout_seconds: float,
        headers: dict[str, str],
    ) -> None:
        super().__init__(
            headers={**headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        del self.headers["content-length"]
        self._events = events
        self._source = source
        self._keep_alive_seconds = keep_alive_seconds
        self._longest_seconds = timeout_seconds + _LAST_WORD_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all; a client that leaves closes `source`."""
        loop = asyncio.get_running_loop()
        last = loop.time()

        async def put(body: bytes, more: bool = True) -> None:
            nonlocal last
            last = loop.time()
            await send({"type": "http.response.body", "body": body, "more_body": more})

        async def relay() -> None:
            async with aclosing(self._events) as events:
                async for event in events:
                    await put(event.encode())

        async def fill_silence() -> None:
            while True:
                await asyncio.sleep(last + self._keep_alive_seconds - loop.time())
                if loop.time() - last >= self._keep_alive_seconds:
                    await put(KEEP_ALIVE)

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        tasks: list[asyncio.Task[None]] = []
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._longest_seconds):
                    await send(start)
                    tasks = [asyncio.create_task(work()) for work in (relay, gone, fill_silence)]
                    await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._source.aclose()
        if tasks and not tasks[0].cancelled():
            tasks[0].result()
            await put(b"", more=False)
