"""Takes notes in a workspace whose disk fills up and is emptied again; prints what became of them.

Run as a program in a small file system of its own.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from onbrand.workspace import Workspace
from serving.store.database import StoreUnavailableError
from serving.store.store import Store, open_store


def fill(ballast: Path) -> None:
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        for size in (4096, 1):
            with suppress(OSError):
                while True:
                    os.write(descriptor, b"x" * size)
    os.close(descriptor)


async def take_notes(root: Path) -> dict[str, object]:
    async with open_store(Workspace(root)) as store:
        await note_many(store)
        await store.journal.flush()
        await note_many(store)
        fill(root / "ballast")
        await note_many(store)
        try:
            await store.journal.flush()
            said = ""
        except StoreUnavailableError as error:
            said = str(error)
        try:
            await store.keys.create("x", ["chat"])
            key = ""
        except StoreUnavailableError as error:
            key = str(error)
        (root / "ballast").unlink()
        await note_many(store)
        await store.journal.flush()
        (row,) = (await store.personal.export("ann"))["usage"]
        left = len(list((root / "logs" / "journal").glob("*.jsonl")))
        return {"requests": row["requests"], "said": said, "key": key, "segments": left}


async def note_many(store: Store) -> None:
    for _ in range(200):
        store.usage.record(user="ann", key_id="", model="tea", prompt_tokens=1, completion_tokens=1)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(take_notes(Path(sys.argv[1])))))
