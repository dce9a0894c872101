"""Pieces of the journal: files of notes, a line each, locked by the process that writes them."""

import fcntl
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Container, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import AsyncFileLock

Note = dict[str, Any]

_SUFFIX = ".jsonl"
_WAIT_SECONDS = 30


class FileSegment:
    """A file of notes whose lock this process holds; nobody else takes it for left behind."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.name = path.name
        self._path = path
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        """Bytes in it."""
        return os.fstat(self._descriptor).st_size

    def append(self, line: bytes) -> None:
        """Add a line, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        written = os.write(self._descriptor, line)
        if written < len(line):  # the disk filled up within the line
            os.ftruncate(self._descriptor, self.size - written)
            raise OSError(f"no room in {self._path}")

    def notes(self) -> list[Note]:
        """What is in it."""
        return list(_read(self._path))

    def discard(self) -> None:
        """Remove it, for good: its name may then be forgotten."""
        self._path.unlink(missing_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
            os.close(self._descriptor)


class MemorySegment:
    """Notes that found no room on the disk, but may find some in the database."""

    def __init__(self, lines: list[bytes]) -> None:
        self.name = _new_name()
        self._lines = lines

    def notes(self) -> list[Note]:
        """What is in it."""
        return [note for line in self._lines if (note := _parsed(line)) is not None]

    def discard(self) -> None:
        """Nothing is left but what the collector takes."""


def new_segment(folder: Path) -> FileSegment:
    """An empty segment.

    Raises:
        OSError: none can be made there.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / _new_name()
    unlocked = path.with_suffix(".new")
    descriptor = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Only now: another process would take a segment without a lock for left behind.
        unlocked.rename(path)
    except OSError:
        os.close(descriptor)
        raise
    return FileSegment(path, descriptor)


def left_behind(folder: Path, mine: Container[str] = ()) -> Iterator[FileSegment]:
    """Segments whose processes are gone, oldest first; they are this process's now.

    Args:
        folder: Where they lie.
        mine: Names of those that are this process's already. Where locks are emulated, as over
            NFS, they would seem to be free.
    """
    for path in _paths(folder):
        if path.name in mine:
            continue
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its owner may have finished with it between the listing and the lock.
            theirs = os.fstat(descriptor).st_nlink == 0
        except OSError:
            theirs = True
        if theirs:
            os.close(descriptor)
        else:
            yield FileSegment(path, descriptor)


@asynccontextmanager
async def undisturbed(folder: Path) -> AsyncIterator[None]:
    """Keep notes from moving into the database meanwhile, in whatever process.

    Raises:
        OSError: the folder cannot be written, or somebody held it for too long.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncFileLock(folder / ".lock", timeout=_WAIT_SECONDS, run_in_executor=False):
        yield


def segments(folder: Path) -> list[Note]:
    """All notes that are not in the database yet, of whatever process."""
    return [note for path in _paths(folder) for note in _read(path)]


def strike(folder: Path, unwanted: Callable[[Note], bool]) -> int:
    """Blank out notes that must go, in place; how many there were.

    The line keeps its length: another process may be appending to the file.
    """
    count = 0
    for path in _paths(folder):
        with suppress(FileNotFoundError), path.open("r+b") as stream:
            at = 0
            for line in stream.readlines():
                note = _parsed(line)
                if note is not None and unwanted(note):
                    stream.seek(at)
                    stream.write(b" " * (len(line) - 1) + b"\n")
                    count += 1
                at += len(line)
    return count


def _new_name() -> str:
    return f"{time.time_ns()}-{uuid.uuid4().hex}{_SUFFIX}"


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_SUFFIX}"))


def _read(path: Path) -> Iterator[Note]:
    with suppress(FileNotFoundError):
        for line in path.read_bytes().split(b"\n"):
            if (note := _parsed(line)) is not None:
                yield note


def _parsed(line: bytes) -> Note | None:
    """A note; None for a blank line, or one that was torn when its process was killed."""
    try:
        note = json.loads(line)
    except ValueError:
        return None
    return note if isinstance(note, dict) else None
