"""`onbrand bot slack` as a process of its own, which may be killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from slack_talk import environment
from slack_wire.server import SlackServer
from slack_wire.workspace import eventually

_START_SECONDS = 90.0


@asynccontextmanager
async def bot_process(
    workspace: Path, slack: SlackServer
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, connected; killed in the end if it still runs."""
    connects = len(slack.sockets.connects)
    log = (workspace / "bot.log").open("ab")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "onbrand", "-w", str(workspace), "bot", "slack", "run", "--verbose"),
        env=environment(slack),
        stdout=log,
        stderr=log,
    )
    log.close()
    try:
        await eventually(
            lambda: len(slack.sockets.connects) > connects or process.returncode is not None,
            _START_SECONDS,
        )
        assert process.returncode is None, (workspace / "bot.log").read_text()[-3000:]
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()
