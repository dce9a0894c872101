"""Server-sent events as they arrive: all that came at once, at once.

A reader for each line would cost more than a small model's token. Format:
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from collections.abc import AsyncIterator

_LONGEST_EVENT = 1_000_000
"""Bytes; what is longer is no event of a chat completion."""


class NoEventsError(Exception):
    """What came is no stream of events."""


async def batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[str]]:
    """The `data` of the events that each chunk of bytes completes; never an empty list.

    Raises:
        NoEventsError: not UTF-8, or no end of an event within a megabyte.
    """
    rest = b""
    async for chunk in chunks:
        rest += chunk
        if b"\r" in rest:
            # A line end that is cut in half waits for its other half.
            held = rest[-1:] if rest.endswith(b"\r") else b""
            rest = (
                rest[: len(rest) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
            )
        *events, rest = rest.split(b"\n\n")
        if len(rest) > _LONGEST_EVENT:
            raise NoEventsError
        try:
            found = [data for event in events if (data := _data(event)) is not None]
        except UnicodeDecodeError as error:
            raise NoEventsError from error
        if found:
            yield found


def _data(event: bytes) -> str | None:
    """The event's data; None for a comment or an event without any."""
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:].decode()
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line[:5] == b"data:"]
    return b"\n".join(lines).decode() if lines else None
