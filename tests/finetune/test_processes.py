"""Several processes: how they end, and what is said of it."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import time
import traceback
from pathlib import Path

import psutil
import pytest

from finetune.processes import run_in_processes
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from tests.finetune.ending import (
    be_killed,
    be_misconfigured,
    fill_the_disk,
    raise_what_cannot_be_sent,
)
from tests.finetune.teacher_server import Reply, running_teacher
from tests.finetune.tuned import configure, started_and_at_a_checkpoint, tune_command

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_processes_end_with_the_one_that_started_them(
    workspace: Workspace, number: signal.Signals, code: int
) -> None:
    """It holds the workspace's lock: what went on would write beside the next command."""
    configure(workspace, epochs=400, checkpoint_steps=2, samples=0)
    first = started_and_at_a_checkpoint(workspace, "--processes", "2")
    others = psutil.Process(first.pid).children()
    assert sum(map(is_alive, others)) >= 2
    first.send_signal(number)
    assert first.wait(60) == code
    deadline = time.monotonic() + 60
    while any(map(is_alive, others)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [process for process in others if is_alive(process)]
    for process in left:
        process.kill()
    assert not left


def is_alive(process: psutil.Process) -> bool:
    """A zombie has ended; only nobody has asked how."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_teacher_is_asked_before_there_are_processes(workspace: Workspace) -> None:
    """Those that wait for the first one in a group give up after a time; a teacher may be slow."""
    children: list[int] = []
    with running_teacher() as teacher:
        sections = f'\n[examples]\nbrief = 1.0\n[teacher]\nurl = "{teacher.url}"\nmodel = "big"\n'
        toml = configure(workspace, max_steps=1, samples=0).root / "brand.toml"
        toml.write_text(toml.read_text() + sections)
        tuning = subprocess.Popen(
            tune_command(workspace, "--processes", "2"), stderr=subprocess.PIPE, text=True
        )

        def reply(text: str, count: int) -> Reply:
            children.append(len(psutil.Process(tuning.pid).children()))
            return Reply()

        teacher.reply = reply
        _, said = tuning.communicate(timeout=300)
    assert tuning.returncode == 0, said
    assert len(children) == 56
    assert not any(children)


def test_machines_that_do_not_share_the_workspace_say_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    """As `accelerate launch` starts them; gradients of different steps would be added up."""
    other = Workspace(shutil.copytree(workspace.root, tmp_path / "other"))
    configure(other, seed=14)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    joined = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "1", "LOCAL_RANK": "0"}
    joined |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    running = [
        subprocess.Popen(
            tune_command(space),
            env=os.environ | joined | {"RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, space in enumerate((workspace, other))
    ]
    for process in running:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 2, said
        assert "put the workspace on a disk that all machines share" in said


def test_an_error_is_the_very_one_and_says_where_it_came_from(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        run_in_processes(1, fill_the_disk, tmp_path / "checkpoint")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(tmp_path / "checkpoint")
    assert "in fill_the_disk" in "".join(traceback.format_exception(caught.value))


def test_one_that_fails_ends_the_others() -> None:
    with pytest.raises(UsageError) as caught:
        run_in_processes(2, be_misconfigured, "rank = 0 is too low.")
    assert str(caught.value) == "rank = 0 is too low."


def test_an_error_that_cannot_be_sent_is_told_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="NeedsTwoError: nonsense in a library"):
        run_in_processes(1, raise_what_cannot_be_sent)


def test_one_that_is_killed_is_said_with_what_to_do() -> None:
    with pytest.raises(OnbrandError, match=r"was killed \(SIGKILL\).*micro_batch_size"):
        run_in_processes(1, be_killed)
