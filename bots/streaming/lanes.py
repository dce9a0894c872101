"""One after the other in one lane, all lanes at once."""

import asyncio
from collections import deque


class Ticket:
    """A place in a lane's line, taken when it is made."""

    def __init__(self, lanes: "Lanes", lane: str) -> None:
        self._lanes = lanes
        self._lane = lane
        self._called = asyncio.Event()

    async def called(self) -> None:
        """Return when all who came before have left."""
        await self._called.wait()

    def leave(self) -> None:
        """Make room for the next, whether called or not; the second time it does nothing."""
        self._lanes.leave(self._lane, self)

    def call(self) -> None:
        """It is this one's turn."""
        self._called.set()


class Lanes:
    """The lines of all lanes; one that is empty is forgotten."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Ticket]] = {}

    def ticket(self, lane: str) -> Ticket:
        """The last place in a lane's line; its holder must leave."""
        line = self._lines.setdefault(lane, deque())
        ticket = Ticket(self, lane)
        line.append(ticket)
        line[0].call()
        return ticket

    def leave(self, lane: str, ticket: Ticket) -> None:
        """What `Ticket.leave` does."""
        line = self._lines.get(lane)
        if line is None or ticket not in line:
            return
        line.remove(ticket)
        if line:
            line[0].call()
        else:
            del self._lines[lane]

    def __len__(self) -> int:
        """How many lanes are in use."""
        return len(self._lines)
