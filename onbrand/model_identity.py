"""Which model lies in a folder. Needs no torch, so that "nothing has changed" is said at once."""

import hashlib
from pathlib import Path

from filelock import FileLock

from onbrand.artifact import file_hash
from onbrand.atomic import write_text
from onbrand.base_models import cache_folder
from onbrand.errors import OnbrandError

_SUFFIXES = {".safetensors", ".json", ".jinja", ".model"}


def identity_of(folder: Path) -> str:
    """SHA-256 over names and bytes of a model's weights, configuration and tokenizer.

    Raises:
        OnbrandError: there are no safetensors in the folder.
    """
    files = sorted(path for path in folder.glob("*") if path.suffix in _SUFFIXES)
    if not any(path.suffix == ".safetensors" for path in files):
        raise OnbrandError(f"There is no model in {folder} (no .safetensors file).")
    named = "".join(f"{path.name} {_remembered_hash(path)}\n" for path in files)
    return hashlib.sha256(named.encode()).hexdigest()


def _remembered_hash(path: Path) -> str:
    """A file's SHA-256, read again only when its size or time has changed: weights are large."""
    stat = path.stat()
    state = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
    remembered = cache_folder() / "hashes" / hashlib.sha256(state.encode()).hexdigest()
    try:
        return remembered.read_text(encoding="utf-8")
    except OSError:
        remembered.parent.mkdir(parents=True, exist_ok=True)
    # Two workspaces that meet a new model at the same time: the second waits, and finds it read.
    with FileLock(remembered.parent / "lock"):
        if not remembered.exists():
            write_text(remembered, file_hash(path))
        return remembered.read_text(encoding="utf-8")
