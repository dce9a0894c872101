"""A bot's process on the fake platform, as `onbrand bot` runs one.

python fake_bot.py WORKSPACE HEALTH_PORT GATEWAY_URL [fails|closes]
"""

import asyncio
import logging
import sys
from pathlib import Path

from crashing_bot import FilePlatform

from bots.platform import FrontDesk
from bots.run import run
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

MESSAGES = 3


class FakeBot:
    def __init__(self, workspace: Workspace, desk: FrontDesk, fate: str) -> None:
        self.platform = FilePlatform(workspace.root, MESSAGES)
        self._desk = desk
        self._fate = fate
        self._connected = False

    async def start(self) -> None:
        if self._fate == "fails":
            raise OnbrandError("The token was refused; make a new one.")
        self._connected = True
        for one in self.platform.unacked:
            await self._desk.receive(one)
            self.platform.acknowledge(one)

    def connected(self) -> bool:
        return self._connected

    async def wait(self) -> None:
        if self._fate == "closes":
            return
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self._connected = False
        print("stopped", flush=True)


def main() -> None:
    root, port, gateway, *fate = sys.argv[1:]
    logging.basicConfig(level=logging.INFO)
    settings = f"[bots]\ngateway = '{gateway}'\ndrain_seconds = 0.5\n"
    (Path(root) / "brand.toml").write_text(settings)
    try:
        run(
            Workspace(Path(root)),
            "fake",
            lambda workspace, desk: FakeBot(workspace, desk, *(fate or ["lives"])),
            int(port),
        )
    except OnbrandError as error:
        print(f"Error: {error}", flush=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
