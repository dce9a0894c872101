"""A response of server-sent events that never falls silent, and ends when its reader goes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.gateway.opening import Opening

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes"""


class EventStream(Response):
    """Sends `events` as they come, and a comment after each `keep_alive_seconds` of silence.

    Two helping tasks a response, none a piece: Starlette's own would need a task group, and a
    timeout around each piece would cost more than the piece.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[str, None],
        source: Opening,
        keep_alive_seconds: float,
        headers: dict[str, str],
    ) -> None:
        super().__init__(
            headers={**headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        del self.headers["content-length"]
        self._events = events
        self._source = source
        self._keep_alive_seconds = keep_alive_seconds

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
            await send(start)
            tasks = [asyncio.create_task(work()) for work in (relay, gone, fill_silence)]
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._source.aclose()
        if not tasks[0].cancelled():
            tasks[0].result()
            await put(b"", more=False)
