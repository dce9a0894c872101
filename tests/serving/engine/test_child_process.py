import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from onbrand.errors import OnbrandError
from serving.engine import child_process
from serving.engine.child_process import ChildProcess, last_meaningful_line
from serving.engine.local import LocalEngine

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def program(folder: Path, source: str, python: str = sys.executable) -> ChildProcess:
    script = folder / "program.py"
    script.write_text(source)
    return ChildProcess(python, [str(script)], folder, folder / "logs" / "engine.log")


def wait_for(log: Path) -> str:
    deadline = time.monotonic() + 20
    while not (text := log.read_text()).endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return text


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_stopping_reaches_what_the_program_started(tmp_path: Path) -> None:
    process = program(tmp_path, FAMILY)
    process.start()
    child = int(wait_for(process.log))
    assert process.ended() is None
    process.stop()
    assert not alive(child)
    assert process.ended() is None, "it did not end by itself"


def test_a_second_start_replaces_the_first_and_the_log_goes_on(tmp_path: Path) -> None:
    process = program(tmp_path, FAMILY)
    process.start()
    first, child = process.pid, int(wait_for(process.log))
    process.start()
    assert process.pid != first
    assert not alive(child)
    assert process.log.read_text().startswith(f"{child}\n")
    second = process.pid
    process.close()
    process.start()
    assert process.pid == second, "closed for good"
    assert not alive(second)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program(tmp_path, FAMILY)
    parent = f"""
import sys, time
from pathlib import Path
from serving.engine.child_process import ChildProcess
here = Path({str(tmp_path)!r})
ChildProcess(sys.executable, [str(here / "program.py")], here, here / "engine.log").start()
time.sleep(60)
"""
    started = subprocess.Popen([sys.executable, "-c", parent], cwd=Path(__file__).parents[3])
    deadline = time.monotonic() + 20
    while not (tmp_path / "engine.log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int(wait_for(tmp_path / "engine.log"))
    started.kill()
    started.wait()
    deadline = time.monotonic() + 5
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)


def test_a_module_runs_as_if_python_had_been_given_it(tmp_path: Path) -> None:
    process = ChildProcess(
        sys.executable, ["platform", "--terse"], tmp_path, tmp_path / "log", {"SEEN": "yes"}
    )
    process.start()
    assert "-" in wait_for(process.log)
    assert "SEEN" not in repr(process)
    process.close()


def test_how_it_ended_is_said_with_its_last_words(tmp_path: Path) -> None:
    process = program(tmp_path, "import sys; print('no weights'); sys.exit(3)")
    process.start()
    deadline = time.monotonic() + 20
    while process.ended() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.ended() == f"The engine left with code 3 (no weights); its log is {process.log}."
    process.close()


def test_what_cannot_be_run_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="/no/python cannot be run: No such file"):
        program(tmp_path, "", python="/no/python").start()
    (tmp_path / "file").touch()
    with pytest.raises(OnbrandError, match=r"engine\.log cannot be written"):
        ChildProcess(sys.executable, [], tmp_path, tmp_path / "file" / "engine.log")


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            "Traceback\n  File x\nOSError: no weights\n\nINFO:     stopped\n   \n",
            "OSError: no weights",
        ),
        ("Loading:   0%\rLoading: 100%\n(APIServer pid=1) INFO 11-25 [x.py] Up\n", "Loading: 100%"),
        ("INFO: nothing\n", ""),
        ("", ""),
        ("x" * 100_000 + "\nthe end\n", "the end"),
    ],
)
def test_the_last_meaningful_line(tmp_path: Path, log: str, line: str) -> None:
    path = tmp_path / "engine.log"
    path.write_text(log, newline="")
    assert last_meaningful_line(path) == line


def test_nobody_else_holds_the_pipe_it_lives_by(tmp_path: Path) -> None:
    """A second child must not keep the first alive by an inherited end of its pipe."""
    first, second = program(tmp_path, FAMILY), program(tmp_path, FAMILY)
    first.start()
    second.start()
    assert first._process is not None
    assert first._process.stdin is not None
    ours = os.readlink(f"/proc/self/fd/{first._process.stdin.fileno()}")
    theirs = {os.readlink(link) for link in Path(f"/proc/{second.pid}/fd").iterdir()}
    assert ours not in theirs
    first.close()
    second.close()


@pytest.mark.parametrize("kept", [True, False])
def test_the_log_does_not_grow_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    monkeypatch.setattr(child_process, "_LOG_BYTES", 1000)
    chatter = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.001)"
    process = program(tmp_path, chatter)
    earlier = process.log.with_name("engine.log.1")
    if not kept:
        earlier.mkdir()  # cannot be written, as on a full disk
    engine = LocalEngine(process, "m", 1)
    process.start()
    largest, cuts, before = 0, 0, 0
    deadline = time.monotonic() + 20
    while cuts < 3:
        assert time.monotonic() < deadline
        assert engine.failure() is None
        engine.bound_log()
        size = process.log.stat().st_size
        largest, cuts, before = max(largest, size), cuts + (size < before), size
        time.sleep(0.005)
    process.close()
    assert largest < 100_000
    assert b"\0" not in process.log.read_bytes(), "written at the end, not where it was before"
    assert earlier.is_file() == kept
    assert not kept or earlier.stat().st_size >= 1000


def test_a_log_that_was_deleted_has_no_last_words(tmp_path: Path) -> None:
    assert last_meaningful_line(tmp_path / "engine.log") == ""
