"""Socket Mode: hello, envelopes, acknowledgements, disconnect.

https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from slack_wire.world import APP_ID, Json


@dataclass
class Envelope:
    """A payload on its way; sent again on the next connection until it is acknowledged."""

    id: str
    kind: str
    payload: Json
    sent: list[float] = field(default_factory=list)
    """`time.monotonic` of each attempt."""
    acked_after: float | None = None
    """Seconds from the last attempt to the acknowledgement."""
    ack: Json = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def acknowledged(self, seconds: float = 30.0) -> Json:
        """Wait for the acknowledgement; what it says."""
        async with asyncio.timeout(seconds):
            await self.done.wait()
        return self.ack

    def text(self) -> str:
        """As it goes over the wire."""
        whole: Json = {
            "envelope_id": self.id,
            "type": self.kind,
            "payload": self.payload,
            "accepts_response_payload": self.kind != "events_api",
        }
        if self.kind == "events_api":
            again = len(self.sent) - 1
            whole |= {"retry_attempt": again, "retry_reason": "timeout" if again else ""}
        return json.dumps(whole)


class Sockets:
    """The connections of the app, and what waits for one."""

    def __init__(self) -> None:
        self.open: list[tuple[web.WebSocketResponse, web.Request]] = []
        self.connects: list[float] = []
        """`time.monotonic` of each hello."""
        self.envelopes: list[Envelope] = []
        self.refuse_next = False
        """Whether the next connection breaks at once, its ticket used."""
        self._tickets = itertools.count(1)
        self._valid: set[str] = set()
        self._pending: dict[str, Envelope] = {}

    def ticket(self) -> str:
        """Good for one connection, as `apps.connections.open` gives it."""
        ticket = f"ticket-{next(self._tickets)}"
        self._valid.add(ticket)
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection of the app."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._valid:
            return web.Response(status=401)
        self._valid.discard(ticket)
        if self.refuse_next:
            self.refuse_next = False
            return web.Response(status=500)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        hello = {"type": "hello", "num_connections": len(self.open) + 1}
        await socket.send_json(hello | {"connection_info": {"app_id": APP_ID}})
        self.open.append((socket, request))
        self.connects.append(time.monotonic())
        for envelope in list(self._pending.values()):
            await self._send(socket, envelope)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(json.loads(message.data))
        finally:
            self.open = [pair for pair in self.open if pair[0] is not socket]
        return socket

    async def deliver(self, kind: str, payload: Json) -> Envelope:
        """Hand a payload to the newest connection, now or as soon as there is one."""
        envelope = Envelope(f"envelope-{len(self.envelopes) + 1}", kind, payload)
        self.envelopes.append(envelope)
        self._pending[envelope.id] = envelope
        if self.open:
            await self._send(self.open[-1][0], envelope)
        return envelope

    def forget(self) -> None:
        """Give up on what was not acknowledged, as Slack does after a while."""
        self._pending.clear()

    def abort(self) -> None:
        """Cut all connections as a broken network does: a TCP reset, no close frame."""
        for _, request in self.open:
            if request.transport is not None:
                request.transport.abort()

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the app to open another connection; the old ones are closed a little later."""
        for socket, _ in list(self.open):
            await socket.send_json({"type": "disconnect", "reason": reason})

    async def _send(self, socket: web.WebSocketResponse, envelope: Envelope) -> None:
        envelope.sent.append(time.monotonic())
        try:
            await socket.send_str(envelope.text())
        except ConnectionError:  # it is sent again on the next connection
            return

    def _acknowledge(self, answer: Json) -> None:
        envelope = self._pending.pop(str(answer.get("envelope_id")), None)
        if envelope is not None:
            envelope.acked_after = time.monotonic() - envelope.sent[-1]
            envelope.ack = answer.get("payload") or {}
            envelope.done.set()
