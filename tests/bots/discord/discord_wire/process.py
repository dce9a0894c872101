"""`onbrand bot discord` as a process of its own, to be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from discord_wire.server import TOKEN, DiscordServer


class BotProcess:
    """The real command in a workspace.

    Args:
        server: The Discord it is sent to.
        root: Of the workspace; its `brand.toml` is there.
    """

    def __init__(self, server: DiscordServer, root: Path) -> None:
        self._server = server
        self._root = root
        self._log = root / "bot.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, *, wait: bool = True) -> None:
        """Run it; `wait`: until it has a session."""
        ready = self._server.gateway.log.count("READY")
        environment = {
            **os.environ,
            "DISCORD_BOT_TOKEN": TOKEN,
            "ONBRAND_DISCORD_BASE_URL": self._server.rest_url,
            "NO_PROXY": "127.0.0.1",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "onbrand", "bot", "discord"],
                cwd=self._root,
                env=environment,
                stdout=log,
                stderr=log,
            )
        if wait:
            await self._server.until(
                lambda: self._alive() and self._server.gateway.log.count("READY") > ready, 120
            )

    def _alive(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return True

    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text()

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """SIGTERM, and wait for its end; its exit status."""
        return await asyncio.to_thread(self._end, signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        status = self._process.wait(60)
        self._process = None
        return status
