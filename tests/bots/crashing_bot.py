"""A bot that is killed: a real process with a desk, on a platform that lives in files.

The platform accepts a message, and only then says so, as real ones do. What it accepted is a line
in a file, written at once: it survives SIGKILL as a message on a real platform would.
"""

import asyncio
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from desk_harness import bench
from fake_gateway import FakeGateway
from fake_platform import FakePlatform, Post, question

from bots.delivery.ledger import Ledger
from bots.platform import Delivered, Ending, Final
from bots.question import Question

CONVERSATIONS = 4
SETTINGS = "[bots]\nuser_per_minute = 0\nchannel_per_minute = 0\n"


def said(number: int) -> str:
    return f"question {number} " + " ".join(f"w{number}-{word}" for word in range(30))


def pieces(text: str) -> list[str]:
    return [f"{word} " for word in text.split()]


def asked(number: int) -> Question:
    by = f"U{number % CONVERSATIONS}"
    where = question().place
    place = type(where)("fake", "T1", f"D{number % CONVERSATIONS}", kind="dm")
    return question(number, said(number), place, by)


class FilePlatform(FakePlatform):
    """Its posts are the lines of `posts.jsonl`; acknowledged events those of `acked`."""

    def __init__(self, folder: Path, messages: int) -> None:
        super().__init__(pace=0.005, delay=0.004, limit=120)
        for number in range(messages):
            self.add(asked(number))
        self._posts = os.open(folder / "posts.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self._acked = os.open(folder / "acked", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        acked = (folder / "acked").read_text().split()
        self.unacked = [one for one in self.questions.values() if one.id not in acked]
        self.posts = read_posts(folder)

    def accept(self, post: Post) -> None:
        final = asdict(post.final) if post.final else None
        line = {"id": post.id, "answer_id": post.answer_id, "text": post.text, "final": final}
        os.write(self._posts, json.dumps(line).encode() + b"\n")

    def acknowledge(self, one: Question) -> None:
        os.write(self._acked, one.id.encode() + b"\n")

    async def mark_interrupted(self, question: Question, delivered: Delivered, note: str) -> None:
        await super().mark_interrupted(question, delivered, note)
        crash("marked")


def read_posts(folder: Path) -> list[Post]:
    """The last state of each message."""
    posts: dict[str, Post] = {}
    for line in (folder / "posts.jsonl").read_text().splitlines():
        values = json.loads(line)
        if final := values.pop("final"):
            values["final"] = Final(**{**final, "ending": Ending(final["ending"])})
        posts[values["id"]] = Post(**values)
    return list(posts.values())


def crash(moment: str) -> None:
    """Die here, as by SIGKILL, when the test says so: the n-th time that this moment comes."""
    if moment != _CRASH["at"]:
        return
    _CRASH["times"] -= 1
    if _CRASH["times"] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


_CRASH = {"at": "", "times": 0}


def _die_around(name: str) -> None:
    """Let the ledger's method `name` be a moment to die before, and after."""
    original = getattr(Ledger, name)

    async def write(self: Ledger, *arguments: object, **named: object) -> object:
        crash(f"before {name}")
        result = await original(self, *arguments, **named)
        crash(f"after {name}")
        return result

    setattr(Ledger, name, write)


async def live(folder: Path, messages: int) -> None:
    """Answer all that is not acknowledged, and end when all is answered."""
    platform = FilePlatform(folder, messages)
    gateway = FakeGateway(pieces=pieces, pause=0.001)
    async with bench(folder, platform, gateway, SETTINGS) as b:
        for one in platform.unacked:
            await b.desk.receive(one)
            platform.acknowledge(one)
            await asyncio.sleep(0.01)
        await b.settled()


def main(folder: Path, messages: int, crash_at: str = "", times: int = 1) -> None:
    """The whole life of the process; runs in a child that was forked."""
    _CRASH.update(at=crash_at, times=times)
    for name in ("admit", "answering", "posted", "delivered"):
        _die_around(name)
    asyncio.run(live(folder, messages))
    sys.exit(0)
