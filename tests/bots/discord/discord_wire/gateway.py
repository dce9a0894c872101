"""The gateway, version 10: sessions that outlive their sockets, and what they missed.

https://docs.discord.com/developers/events/gateway
"""

import asyncio
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from discord_wire import permissions as bits
from discord_wire.world import DM, Json, World

DISPATCH, HEARTBEAT, IDENTIFY, RESUME = 0, 1, 2, 6
RECONNECT, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 9, 10, 11
GUILDS, GUILD_MESSAGES, GUILD_REACTIONS = 1 << 0, 1 << 9, 1 << 10
DIRECT_MESSAGES, DM_REACTIONS, MESSAGE_CONTENT = 1 << 12, 1 << 13, 1 << 15
PRIVILEGED = {1 << 1: 1 << 15, 1 << 8: 1 << 13, MESSAGE_CONTENT: 1 << 19}
"""Intent to the application flag (of an unverified application) that allows it."""


@dataclass
class Session:
    """What a client identified for; its events are kept so that it can resume."""

    id: str
    intents: int
    socket: "Socket | None" = None
    sequence: int = 0
    replay: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=2000))


@dataclass
class Socket:
    """One connection, compressed as its query asked."""

    ws: web.WebSocketResponse
    deflate: Any = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, text: str) -> None:
        async with self.turn:  # one payload's parts lie together
            if self.deflate is None:
                await self.ws.send_str(text)
                return
            data = self.deflate.compress(text.encode()) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
            half = len(data) // 2  # Discord may cut a payload; it ends where the flush marker is
            for part in (data[:half], data[half:]) if len(data) > 512 else (data,):
                await self.ws.send_bytes(part)

    def abort(self) -> None:
        """Drop the TCP connection without a word."""
        assert self.ws._req is not None
        if (transport := self.ws._req.transport) is not None:
            transport.abort()


@dataclass
class Gateway:
    """Accepts sockets and hands events to every session that may see them."""

    world: World
    bot: Json
    token: str
    application: Json
    url: str = ""
    heartbeat_ms: int = 41250
    sessions: dict[str, Session] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    """IDENTIFY, RESUME, RESUMED, READY …, in order."""
    identified: Json = field(default_factory=dict)
    """The last IDENTIFY's data."""
    beats: int = 0
    refuse_connections: bool = False
    refuse_resumes: bool = False
    """At the address that a session is to be resumed at."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_connections or (self.refuse_resumes and request.path.endswith("/resume")):
            return web.Response(status=503)
        compress = request.query.get("compress")
        if request.query.get("v") != "10" or compress not in (None, "zlib-stream"):
            return web.Response(status=400)
        ws = web.WebSocketResponse(autoping=True, max_msg_size=4096)
        await ws.prepare(request)
        socket = Socket(ws, zlib.compressobj() if compress else None)
        await socket.send(json.dumps({"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}}))
        session: Session | None = None
        async for frame in ws:
            if frame.type is not WSMsgType.TEXT:
                continue
            payload = json.loads(frame.data)
            match payload["op"]:
                case 1:
                    self.beats += 1
                    await socket.send(json.dumps({"op": HEARTBEAT_ACK}))
                case 2:
                    session = await self._identify(socket, payload["d"])
                case 6:
                    session = await self._resume(socket, payload["d"])
                case _:
                    await ws.close(code=4001)
        if session is not None and session.socket is socket:
            session.socket = None
        return ws

    async def _identify(self, socket: Socket, data: Json) -> Session | None:
        self.log.append("IDENTIFY")
        self.identified = data
        if data["token"] != self.token:
            await socket.ws.close(code=4004, message=b"Authentication failed.")
            return None
        for intent, flag in PRIVILEGED.items():
            if data["intents"] & intent and not self.application["flags"] & flag:
                await socket.ws.close(code=4014, message=b"Disallowed intent(s).")
                return None
        session = Session(secrets.token_hex(16), data["intents"], socket)
        self.sessions[session.id] = session
        guilds = [each for each in self.world.guilds.values() if self._member(each)]
        ready = {
            "v": 10,
            "user": self.bot,
            "guilds": [{"id": each["id"], "unavailable": True} for each in guilds],
            "session_id": session.id,
            "resume_gateway_url": f"{self.url}/resume",
            "application": {key: self.application[key] for key in ("id", "flags")},
        }
        await self._dispatch(session, "READY", ready)
        for guild in guilds:
            await self._dispatch(session, "GUILD_CREATE", self.world.guild_payload(guild))
        self.log.append("READY")
        return session

    async def _resume(self, socket: Socket, data: Json) -> Session | None:
        self.log.append("RESUME")
        session = self.sessions.get(data["session_id"] or "")
        if session is None:
            await socket.send(json.dumps({"op": INVALID_SESSION, "d": False}))
            return None
        reached = data["seq"] or 0
        while missed := [each for each in session.replay if each[0] > reached]:
            for reached, text in missed:  # noqa: B007 - kept for the next round
                await socket.send(text)
        session.socket = socket
        await self._dispatch(session, "RESUMED", {})
        self.log.append("RESUMED")
        return session

    async def _dispatch(self, session: Session, event: str, data: Json) -> None:
        session.sequence += 1
        text = json.dumps({"op": DISPATCH, "t": event, "s": session.sequence, "d": data})
        session.replay.append((session.sequence, text))
        if session.socket is not None:
            try:
                await session.socket.send(text)
            except (ConnectionError, RuntimeError):
                session.socket = None  # it comes back and resumes

    def emit(self, event: str, data: Json, guild_id: str | None, channel_id: str | None) -> None:
        """To every session; sent in the order of the calls."""
        for session in self.sessions.values():
            if (seen := self._as_seen(session, event, data, guild_id, channel_id)) is not None:
                self._queue(session, event, seen)

    def _queue(self, session: Session, event: str, data: Json) -> None:
        task = asyncio.get_running_loop().create_task(self._dispatch(session, event, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def __post_init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def _as_seen(
        self, session: Session, event: str, data: Json, guild_id: str | None, channel_id: str | None
    ) -> Json | None:
        """The payload by the session's intents and the bot's permissions; None hides it."""
        if channel_id is not None:
            channel = self.world.channels[channel_id]
            if not self.world.permissions(channel, self.bot["id"]) & bits.VIEW_CHANNEL:
                return None
        direct = guild_id is None
        if event.startswith("MESSAGE_REACTION"):
            needed = DM_REACTIONS if direct else GUILD_REACTIONS
        elif event.startswith("MESSAGE"):
            needed = DIRECT_MESSAGES if direct else GUILD_MESSAGES
        else:
            needed = 0 if event == "INTERACTION_CREATE" else GUILDS
        if needed and not session.intents & needed:
            return None
        return self.readable(data, session.intents) if "content" in data else data

    def readable(self, message: Json, intents: int) -> Json:
        """Without the message content intent, other people's text is blank.

        Save in DMs, where the bot is mentioned, and what it wrote itself.
        """
        channel = self.world.channels[message["channel_id"]]
        mentioned = any(each["id"] == self.bot["id"] for each in message["mentions"])
        own = message["author"]["id"] == self.bot["id"]
        if intents & MESSAGE_CONTENT or channel["type"] == DM or mentioned or own:
            return message
        return {**message, "content": "", "attachments": [], "embeds": [], "components": []}

    def _member(self, guild: Json) -> bool:
        return (guild["id"], self.bot["id"]) in self.world.members

    # What tests do to it.

    def abort(self) -> None:
        """Every TCP connection breaks; events go on being kept for RESUME."""
        for session in self.sessions.values():
            if session.socket is not None:
                socket, session.socket = session.socket, None
                socket.abort()

    async def close(self, code: int) -> None:
        for session in self.sessions.values():
            if session.socket is not None:
                await session.socket.ws.close(code=code)

    async def ask_to_reconnect(self) -> None:
        for session in self.sessions.values():
            if session.socket is not None:
                await session.socket.send(json.dumps({"op": RECONNECT, "d": None}))

    async def invalidate(self, resumable: bool = False) -> None:
        """INVALID_SESSION; what happens until the client has identified anew is lost to it."""
        sockets = [each.socket for each in self.sessions.values() if each.socket is not None]
        if not resumable:
            self.sessions.clear()
        for socket in sockets:
            await socket.send(json.dumps({"op": INVALID_SESSION, "d": resumable}))

    async def forget(self) -> None:
        """Sessions vanish and their sockets break: RESUME will be answered by INVALID_SESSION."""
        sockets = [each.socket for each in self.sessions.values() if each.socket is not None]
        self.sessions.clear()
        for socket in sockets:
            socket.abort()

    async def repeat(self, times: int = 1) -> None:
        """Send the last MESSAGE_CREATE again, as new events."""
        for session in self.sessions.values():
            texts = [json.loads(text) for _, text in session.replay]
            last = next(each for each in reversed(texts) if each["t"] == "MESSAGE_CREATE")
            for _ in range(times):
                await self._dispatch(session, "MESSAGE_CREATE", last["d"])
