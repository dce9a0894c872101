"""The local Discord in a thread of its own, so that a busy bot cannot slow it down."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aiohttp import web

from discord_wire import messages
from discord_wire.gateway import Gateway
from discord_wire.interactions import Interactions
from discord_wire.limits import Limits
from discord_wire.people import Person
from discord_wire.rest import Rest
from discord_wire.world import Json, World

T = TypeVar("T")
TOKEN = "MTIz.local.discord-bot-token"
ALL_PRIVILEGED = 1 << 13 | 1 << 15 | 1 << 19


class DiscordServer:
    """A Discord with one guild, two channels and two people; `do` acts inside its loop."""

    def __init__(self) -> None:
        self.world = World()
        self.bot = self.world.add_user("Saltmarsh", bot=True)
        application = {
            "id": self.world.snowflake(),
            "name": "Saltmarsh",
            "icon": None,
            "description": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "00",
            "flags": ALL_PRIVILEGED,
            "owner": self.world.add_user("Owner"),
            "team": None,
            "interactions_endpoint_url": None,
        }
        self.gateway = Gateway(self.world, self.bot, TOKEN, application)
        self.limits = Limits()
        self.interactions = Interactions(self.world, self.gateway, self.bot)
        self.world.emit = self.gateway.emit
        self.guild = self.world.add_guild("Tea lovers", application["owner"], self.bot)
        self.channel = self.world.add_channel(self.guild, "general")
        self.other = self.world.add_channel(self.guild, "teapots")
        self.ana, self.ben = self.person("Ana"), self.person("Ben")
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()

    @property
    def rest_url(self) -> str:
        return f"{self.url}/api/v10"

    @property
    def gateway_url(self) -> str:
        return self.gateway.url

    @property
    def mention(self) -> str:
        return f"<@{self.bot['id']}>"

    def person(self, name: str, guild: Json | None = None) -> Person:
        """A new member of the guild."""
        user = self.world.add_user(name)
        self.world.join(guild or self.guild, user)
        cdn = f"{self.url}/cdn" if hasattr(self, "url") else ""
        return Person(self.world, self.interactions, self.bot, user, cdn)

    def do(self, act: Callable[[], T]) -> T:
        """Run `act` in the server's loop, where alone the world is changed."""

        async def inside() -> T:
            result = act()
            return (await result) if asyncio.iscoroutine(result) else result  # type: ignore[no-any-return]

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(30)

    def shown(self, channel: Json) -> list[Json]:
        """The bot's messages in a channel that are not for one person alone, oldest first."""
        there = list(self.world.messages[channel["id"]].values())
        mine = [each for each in there if each["author"]["id"] == self.bot["id"]]
        return [each for each in mine if not each["flags"] & messages.EPHEMERAL]

    def replies(self, question: Json) -> list[Json]:
        """The bot's messages that reply to it, or to such a reply, oldest first."""
        chain, found = {question["id"]}, []
        for message in self.shown({"id": question["channel_id"]}):
            if message.get("message_reference", {}).get("message_id") in chain:
                chain.add(message["id"])
                found.append(message)
        return found

    async def until(self, holds: Callable[[], Any], seconds: float = 30) -> Any:
        """Wait until `holds()` is true and return what it gave."""
        deadline = time.monotonic() + seconds
        while not (result := holds()):
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.01)
        return result

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_forever()

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self.limits.middleware])
        app.add_routes(Rest(self.world, self.gateway, self.bot).routes())
        app.add_routes(self.interactions.routes())
        app.add_routes(
            [
                web.get("/gateway", self.gateway.handle),
                web.get("/gateway/", self.gateway.handle),
                web.get("/gateway/resume", self.gateway.handle),
                web.get("/cdn/{path:.*}", self._file),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        self.gateway.url = f"ws://127.0.0.1:{port}/gateway"
        for person in (self.ana, self.ben):
            person.cdn = f"{self.url}/cdn"
        self._started.set()

    async def _file(self, request: web.Request) -> web.Response:
        """The CDN: only a signed link, and only while its file is there."""
        found = self.world.files.get(f"/{request.match_info['path']}")
        if found is None or "hm" not in request.query:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=found[0], headers={"Content-Type": found[1]})

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(30)

    def stop(self) -> None:
        async def down() -> None:
            self.gateway.abort()
            await self._runner.cleanup()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(down(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@contextmanager
def discord_server() -> Iterator[DiscordServer]:
    """A fresh one, stopped afterwards."""
    server = DiscordServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
