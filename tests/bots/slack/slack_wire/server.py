"""A Slack on a loopback port: the Web API, Socket Mode, files and response URLs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from slack_wire import methods_chat, methods_rest, payloads
from slack_wire.errors import MethodError
from slack_wire.faults import Fault, Faults
from slack_wire.sockets import Sockets
from slack_wire.world import Json, World

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-token-inside", "xapp-token-inside", "signing-inside"

METHODS = methods_chat.METHODS | methods_rest.METHODS
NEEDS = {
    "chat.": "chat:write",
    "users.info": "users:read",
    "users.conversations": "channels:read",
    "conversations.info": "channels:read",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "assistant.threads.setStatus": "chat:write",
    "assistant.threads.": "assistant:write",
}


@dataclass
class Call:
    """A request of the bot, as it came."""

    method: str
    args: Json
    at: float
    """`time.monotonic` of its arrival."""
    answer: Json = field(default_factory=dict)
    """Empty when the connection was cut."""


class SlackServer:
    """Speaks the protocol; what it holds is in `world`, what shall fail in `faults`."""

    def __init__(self) -> None:
        self.world = World()
        self.faults = Faults()
        self.sockets = Sockets()
        self.calls: list[Call] = []
        self.url = ""
        """For `[slack] base_url`."""
        self.on_change = asyncio.Condition()
        """Notified after every call."""

    @property
    def root(self) -> str:
        """The server's own address."""
        return self.url.removesuffix("/api/")

    def app(self) -> web.Application:
        """The web application, for a runner."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._method)
        app.router.add_get("/link", self.sockets.handle)
        app.router.add_get("/files/{id}", self._file)
        app.router.add_post("/hooks/{id}", self._hook)
        return app

    def called(self, method: str) -> list[Call]:
        """The calls of one method that came so far."""
        return [call for call in self.calls if call.method == method]

    async def _method(self, request: web.Request) -> web.StreamResponse:
        method, args = request.match_info["method"], await _arguments(request)
        call = Call(method, args, time.monotonic())
        self.calls.append(call)
        fault = self.faults.take(method)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            fault = None
        if fault and fault.when == "before":
            response = _fail(fault, request)
        else:
            call.answer = self._answer(method, args, _token(request, args))
            response = web.json_response(call.answer)
            if method == "auth.test":
                response.headers["x-oauth-scopes"] = self.world.scopes
            if fault and fault.kind == "hold":
                await asyncio.sleep(3600)
            if fault:
                response = _fail(fault, request)
        await self._echo(method, call)
        async with self.on_change:
            self.on_change.notify_all()
        return response

    async def _echo(self, method: str, call: Call) -> None:
        """The app hears of its own messages too, as of everybody's."""
        message = self.world.find(str(call.args.get("channel")), str(call.answer.get("ts")))
        if not call.answer.get("ok") or message is None or not message.ours:
            return
        kind = self.world.channels[message.channel].kind
        if method in ("chat.postMessage", "chat.startStream"):
            event = payloads.message_event(message, kind)
        elif method in ("chat.update", "chat.stopStream"):
            event = payloads.changed_event(message, message.json(), kind)
        else:
            return
        await self.sockets.deliver("events_api", payloads.event_callback(event))

    def _answer(self, method: str, args: Json, token: str) -> Json:
        try:
            if method == "apps.connections.open":
                if token != APP_TOKEN:
                    raise MethodError("not_allowed_token_type" if token else "not_authed")
                host = self.root.removeprefix("http://")
                return {"ok": True, "url": f"ws://{host}/link?ticket={self.sockets.ticket()}"}
            if token != BOT_TOKEN:
                raise MethodError("invalid_auth" if token else "not_authed")
            self._check_scope(method)
            if method not in METHODS:
                raise MethodError("unknown_method", req_method=method)
            return METHODS[method](self.world, args)
        except MethodError as error:
            return error.answer

    def _check_scope(self, method: str) -> None:
        for prefix, scope in NEEDS.items():
            if method.startswith(prefix):
                if scope not in self.world.scopes.split(","):
                    raise MethodError("missing_scope", needed=scope, provided=self.world.scopes)
                return

    async def _file(self, request: web.Request) -> web.Response:
        """Content, or, without the scope or the token, the page for logging in, as Slack does."""
        content = self.world.files.get(request.match_info["id"])
        if content is None:
            return web.Response(status=404)
        allowed = "files:read" in self.world.scopes.split(",")
        if not allowed or request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(
                text="<!DOCTYPE html><title>Slack</title>", content_type="text/html"
            )
        return web.Response(body=content, content_type="text/plain")

    async def _hook(self, request: web.Request) -> web.Response:
        """A response URL takes five messages within half an hour."""
        if fault := self.faults.take("response_url"):
            return _fail(fault, request)
        said = self.world.hooks.setdefault(request.match_info["id"], [])
        if len(said) == 5:
            return web.Response(status=404, text="used_url")
        said.append(await request.json())
        async with self.on_change:
            self.on_change.notify_all()
        return web.Response(text="ok")


@asynccontextmanager
async def slack_server(port: int = 0) -> AsyncIterator[SlackServer]:
    """A running server."""
    server = SlackServer()
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    try:
        yield server
    finally:
        server.sockets.abort()
        await runner.cleanup()


async def _arguments(request: web.Request) -> Json:
    """From the query, a form or JSON, as all methods accept them."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        args |= await request.json()
    elif request.method == "POST":
        args |= dict(await request.post())
    for name in ("blocks", "chunks", "metadata", "prompts", "view", "loading_messages"):
        if isinstance(args.get(name), str):
            args[name] = json.loads(args[name])
    return args


def _token(request: web.Request, args: Json) -> str:
    header = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return header or str(args.pop("token", ""))


def _fail(fault: Fault, request: web.Request) -> web.Response:
    match fault.kind:
        case "ratelimited":
            after = str(int(fault.seconds)) if fault.retry_after is None else fault.retry_after
            headers = {"Retry-After": after} if after else {}
            return web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers=headers
            )
        case "error":
            return web.json_response({"ok": False, "error": fault.error})
        case "status":
            return web.Response(status=fault.status, text="upstream", content_type="text/html")
        case _:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
