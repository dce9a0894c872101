"""Writes that are either whole or absent: a temporary neighbour, then a rename."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".partial"
_OLD = ".old"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block ends without an error.

    A kill in the middle leaves at most `NAME.partial`, which the next write replaces.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + _SUFFIX)
    try:
        yield partial
        os.replace(partial, path)
    except Exception:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new empty folder that takes the place of `path` when the block ends without an error.

    Two renames: the old folder steps aside, the new one takes its name. A kill between them leaves
    the old folder as `NAME.old`, which `recover_folder` puts back. Every file in it can be read by
    whoever the umask lets read a new file.
    """
    partial, old = path.with_name(path.name + _SUFFIX), path.with_name(path.name + _OLD)
    recover_folder(path)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        _open_as_the_umask_says(partial)
        if path.exists():
            os.replace(path, old)
        os.replace(partial, path)
        shutil.rmtree(old, ignore_errors=True)
    except Exception as error:
        is_full = _is_full(partial, error)
        shutil.rmtree(partial, ignore_errors=True)
        recover_folder(path)
        if is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise


def recover_folder(path: Path) -> None:
    """Put back what a kill in the middle of `atomic_folder` left aside."""
    old = path.with_name(path.name + _OLD)
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.exists():
        os.replace(old, path)


def _open_as_the_umask_says(folder: Path) -> None:
    """Give the files in a folder at least the permissions of any new file.

    safetensors writes for the owner alone, and a server may run as another user.
    """
    probe = folder / _SUFFIX
    probe.touch()  # the umask itself can only be read by setting it, for all threads
    usual = probe.stat().st_mode & 0o666
    probe.unlink()
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and usual & ~mode:
            path.chmod(stat.S_IMODE(mode) | usual)


def _is_full(folder: Path, error: Exception) -> bool:
    """Did a write fail because the disk is full? Libraries say so in errors of many kinds."""
    return "No space left" in str(error) or shutil.disk_usage(folder).free < 2**20


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
