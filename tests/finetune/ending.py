"""Work for processes, which ends in one way or another."""

import errno
import os
import signal
from pathlib import Path

from onbrand.errors import UsageError


class NeedsTwoError(Exception):
    """Cannot be made from one argument, as unpickling would make it."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} in {where}")


def fill_the_disk(path: Path) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def be_misconfigured(sentence: str) -> None:
    """Only the second one; the first does what takes long."""
    if os.environ["RANK"] == "1":
        raise UsageError(sentence)
    signal.pause()


def raise_what_cannot_be_sent() -> None:
    raise NeedsTwoError("nonsense", "a library")


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
