"""A process that takes notes, and dies at a line of the store's code."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import serving.store
from onbrand.workspace import Workspace
from serving.store.database import Database
from serving.store.store import Store

STORE_CODE = str(Path(serving.store.__file__).parent)
BRINGING = ("_bring_closed", "_bring_once", "discard")
"""Where a note is in the file and in the database, or about to be."""


class Death(NamedTuple):
    """Before so many lines of the store's code have run."""

    lines: int
    functions: tuple[str, ...] = ()
    """Only their lines count; empty: all do."""


def take_notes(
    root: Path, url: Any, user: str, steps: list[str], death: Death | None, told: Connection
) -> None:
    """Take the steps ("note" or "flush"); say "(" before each note and ")" after it."""

    async def work() -> None:
        store = Store(Workspace(root), Database(url))
        if death:
            sys.settrace(_killer(death))
        for step in steps:
            if step == "flush":
                await store.journal.flush()
                continue
            told.send_bytes(b"(")
            store.usage.record(
                user=user, key_id="", model="tea", prompt_tokens=2, completion_tokens=3
            )
            told.send_bytes(b")")
        sys.settrace(None)
        await store.database.engine.dispose()

    asyncio.run(work())


def _killer(death: Death) -> Callable[[FrameType, str, Any], Any]:
    left = death.lines

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        code = frame.f_code
        if not code.co_filename.startswith(STORE_CODE):
            return None
        if event == "line" and (not death.functions or code.co_name in death.functions):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace
