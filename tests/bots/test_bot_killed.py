"""SIGKILL at any moment: each message is answered once, or marked, and never said twice."""

import multiprocessing
import os
import random
import time
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import crashing_bot
import pytest

from bots.platform import Ending

_CONTEXT = multiprocessing.get_context("forkserver")
_FOLDER = Path(__file__).parent
MOMENTS = [
    f"{when} {what}"
    for what in ("admit", "answering", "posted", "delivered")
    for when in ("before", "after")
]


@pytest.fixture(scope="module", autouse=True)
def _server() -> None:
    """A process that has imported all, and is forked for each life."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join(map(str, (*_FOLDER.parents[:2], _FOLDER))))
        _CONTEXT.set_forkserver_preload(["crashing_bot"])
        forkserver.ensure_running()


def start(folder: Path, messages: int, crash_at: str = "", times: int = 1) -> int | None:
    """One life of the bot; its exit code, negative when it was killed."""
    process = _CONTEXT.Process(target=crashing_bot.main, args=(folder, messages, crash_at, times))
    process.start()
    process.join(120)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def check(folder: Path, messages: int) -> dict[str, int]:
    """Every message has one answer: all of the text, or a part of it that is marked as such."""
    endings = {"complete": 0, "interrupted": 0}
    shown: dict[str, list[crashing_bot.Post]] = {}
    for post in crashing_bot.read_posts(folder):
        shown.setdefault(post.answer_id, []).append(post)
    assert set(shown) == {f"q{number}#1" for number in range(messages)}
    for number in range(messages):
        posts = shown[f"q{number}#1"]
        whole = "".join(crashing_bot.pieces(crashing_bot.said(number)))
        text = "".join(post.text for post in posts)
        finals = [post.final for post in posts if post.final]
        assert len(finals) == 1, posts
        assert posts[-1].final is finals[0]
        endings[finals[0].ending.value] += 1
        if finals[0].ending is Ending.COMPLETE:
            assert text == whole
        else:
            assert whole.startswith(text)
            assert finals[0].may_retry
    return endings


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_step_of_the_ledger(tmp_path: Path, moment: str, times: int) -> None:
    messages = 6
    assert start(tmp_path, messages, moment, times) == -9
    assert start(tmp_path, messages) == 0
    endings = check(tmp_path, messages)
    # What was answered by the second life was not touched by the first.
    assert endings["complete"] >= messages - crashing_bot.CONVERSATIONS


def test_killed_again_while_it_sees_to_what_was_left(tmp_path: Path) -> None:
    messages = 4
    assert start(tmp_path, messages, "after posted", 8) == -9
    assert start(tmp_path, messages, "marked") == -9
    assert start(tmp_path, messages) == 0
    assert check(tmp_path, messages)["interrupted"] >= 1


@pytest.mark.slow
def test_killed_at_30_random_moments_over_100_messages(tmp_path: Path) -> None:
    chance = random.Random(6)
    messages = 100
    for _ in range(30):
        process = _CONTEXT.Process(target=crashing_bot.main, args=(tmp_path, messages))
        process.start()
        _wait_for_lines(tmp_path, process, chance.randrange(16))
        time.sleep(chance.uniform(0.0, 0.003))
        process.kill()
        process.join(60)
        assert process.exitcode == -9, "it was done before it could be killed"
    assert start(tmp_path, messages) == 0
    endings = check(tmp_path, messages)
    # Otherwise the moments were not those that matter.
    assert endings["complete"] >= 15, endings
    assert endings["interrupted"] >= 5, endings


def _wait_for_lines(folder: Path, process: BaseProcess, more: int) -> None:
    """Until so many more things have happened on the platform, however slow this machine is."""
    wanted = _lines(folder) + more
    while process.is_alive() and _lines(folder) < wanted:
        time.sleep(0.001)


def _lines(folder: Path) -> int:
    files = [folder / "posts.jsonl", folder / "acked"]
    return sum(path.read_bytes().count(b"\n") for path in files if path.exists())
