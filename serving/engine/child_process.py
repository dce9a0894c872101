"""A Python program that runs beside this one, can be started again, and ends with it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from onbrand.errors import OnbrandError

_LIFELINE = Path(__file__).with_name("lifeline.py")
_TAIL_BYTES = 64 * 1024
_LOG_BYTES = 20_000_000
"""An engine's log may grow to this before it is begun anew; one earlier part is kept beside it."""
_GROUP_SECONDS = 5.0
# A server's routine notes: `INFO: …`, `(Worker pid=1) INFO 11-25 …`.
_ROUTINE = re.compile(r"(\(.*?\) )?(INFO|DEBUG)\b")


@dataclass
class ChildProcess:
    """A program in a process group of its own, tied to this process by `lifeline.py`.

    Methods may be called from any thread. After `close` nothing starts it again.
    """

    python: str
    """The interpreter, and with it the environment."""
    program: list[str]
    """A file or a module, and its arguments."""
    folder: Path
    """Its working directory."""
    log: Path
    """What it writes to standard output and error; begun anew with each `ChildProcess`.

    What it holds moves to `<name>.1` when it has grown to 20 MB (see `bound_log`)."""
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    """Added to this process's own. Not shown: it may hold a key."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    def __post_init__(self) -> None:
        """Begin the log.

        Raises:
            OnbrandError: it cannot be written.
        """
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_bytes(b"")
        except OSError as error:
            raise OnbrandError(f"{self.log} cannot be written: {error.strerror}.") from error

    @property
    def pid(self) -> int:
        """Process id, which is its group's too; 0 before the first start."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it, in place of one that is still there.

        Raises:
            OnbrandError: the interpreter cannot be run.
        """
        with self._lock:
            self.stop()
            if self._closed:
                return
            self._stopped = False
            try:
                with self.log.open("ab") as output:
                    self._process = subprocess.Popen(
                        # -P: neither our folder nor the working directory may hide a library.
                        [self.python, "-P", str(_LIFELINE), *self.program],
                        cwd=self.folder,
                        stdin=subprocess.PIPE,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        # Ctrl-C is for the gateway, which lets answers finish before it stops this.
                        start_new_session=True,
                        env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
                    )
            except OSError as error:
                raise OnbrandError(f"{self.python} cannot be run: {error.strerror}.") from error

    def stop(self) -> None:
        """End it and everything it started; there is nothing worth a slower goodbye."""
        with self._lock:
            if self._process is None:
                return
            self._stopped = self._stopped or self._process.poll() is None
            _kill_group(self._process.pid)
            self._process.communicate()
            # Memory of a GPU is free only when the last of them has gone.
            deadline = time.monotonic() + _GROUP_SECONDS
            while _kill_group(self._process.pid) and time.monotonic() < deadline:
                time.sleep(0.05)

    def close(self) -> None:
        """Stop it for good."""
        with self._lock:
            self._closed = True
            self.stop()

    def ended(self) -> str | None:
        """How it ended by itself, with its last words, one sentence; None: it did not."""
        code = self._process.poll() if self._process else None
        if code is None or self._stopped:
            return None
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"left with code {code}"
        line = last_meaningful_line(self.log)
        said = f" ({line})" if line else ""
        return f"The engine {how}{said}; its log is {self.log}."

    def bound_log(self) -> None:
        """Move what the log holds to `<name>.1`, in place of what is there, if it has grown large.

        The program goes on writing to the same open file, at its end, wherever that is then: so it
        needs no part in this. What it writes between copy and cut is lost.
        """
        with suppress(OSError):
            if self.log.stat().st_size < _LOG_BYTES:
                return
            try:
                shutil.copyfile(self.log, self.log.with_name(f"{self.log.name}.1"))
            finally:  # on a full disk above all
                os.truncate(self.log, 0)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def last_meaningful_line(log: Path) -> str:
    """The last line of a log that says something: not blank, not a server's routine note.

    Empty where there is none, or no log any more.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            tail = file.read().decode(errors="replace")
    except OSError:
        return ""
    # A progress bar draws over its own line.
    lines = [line.rpartition("\r")[2].strip() for line in tail.splitlines()]
    telling = [line for line in lines if line and not _ROUTINE.match(line)]
    return telling[-1][:300] if telling else ""


def _kill_group(group: int) -> bool:
    """Whether anybody was there to be killed."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of zombies
        return False
    return True
