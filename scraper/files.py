"""Texts that already lie on disk: `.txt` and `.md` files, and folders of them."""

import hashlib
import json
from pathlib import Path

from charset_normalizer import from_bytes

from onbrand.artifact import file_hash
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from scraper.raw import Failed, TextFile

SUFFIXES = {".txt", ".md"}
_TELLING = 200
"""Bytes from which on a text's language can be told."""
_NOT_WESTERN = {
    "Arabic", "Bulgarian", "Croatian", "Czech", "Farsi", "Greek", "Hebrew", "Hungarian",
    "Lithuanian", "Polish", "Romanian", "Russian", "Serbian", "Slovak", "Slovene", "Turkish",
    "Ukrainian",
}  # fmt: skip
"""Languages, as charset_normalizer calls them, that Windows-1252 has no letters for."""


def read_files(workspace: Workspace) -> tuple[list[TextFile], list[Failed]]:
    """Read every file that `files.paths` names, sorted; those that cannot be read are set aside.

    Raises:
        UsageError: a configured path is not there.
        OnbrandError: a folder holds no text file.
    """
    texts: dict[Path, TextFile] = {}
    failed: list[Failed] = []
    for configured in workspace.config.files.paths:
        for path, name in _named_files(workspace, configured):
            if path in texts:
                continue
            try:
                texts[path] = TextFile(path=name, text=_decode(path.read_bytes()))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                failed.append(Failed(source="file", locator=name, reason=reason))
    return list(texts.values()), failed


def hash_files(workspace: Workspace) -> dict[str, str]:
    """SHA-256 per configured path, over the names and bytes of the files it stands for."""
    hashes = {}
    for configured in workspace.config.files.paths:
        named = _named_files(workspace, configured)
        found = [(name, hash_of_readable(path)) for path, name in named]
        hashes[f"files {configured}"] = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    return hashes


def hash_of_readable(path: Path) -> str:
    """SHA-256 of a file's bytes; empty where it cannot be read, which reading it then reports."""
    try:
        return file_hash(path)
    except OSError:
        return ""


def root_name(workspace: Workspace, configured: str) -> str:
    """What a configured path is called in `TextFile.path`.

    Within the workspace that is the path from its root, elsewhere the path as it was configured:
    neither depends on where the workspace lies.
    """
    path = workspace.input_path(configured)
    if path.is_relative_to(workspace.root.resolve()):
        return path.relative_to(workspace.root.resolve()).as_posix()
    return Path(configured).as_posix()


def _named_files(workspace: Workspace, configured: str) -> list[tuple[Path, str]]:
    root = workspace.input_path(configured)
    name = root_name(workspace, configured)
    if root.is_file():
        return [(root, name)]
    if not root.is_dir():
        raise UsageError(f"{configured}, named in files.paths, is not there ({root}).")
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise OnbrandError(f"{configured}, named in files.paths, holds no .txt or .md file.")
    return [(p, (Path(name) / p.relative_to(root)).as_posix()) for p in files]


def _decode(data: bytes) -> str:
    """UTF-8 where it is valid, else the most likely encoding.

    Raises:
        ValueError: the file is empty or is no text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _guessed(data)
    if "\0" in text:
        raise ValueError("it is no text file")
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _guessed(data: bytes) -> str:
    """Windows-1252 where that gives plain text, else the most likely encoding.

    Most text files that are not UTF-8 are Windows-1252, and in a line or two nothing tells it from
    its relatives. A longer text in a language that it cannot write goes by the best guess.

    Raises:
        ValueError: no encoding fits.
    """
    best = from_bytes(data).best()
    western = from_bytes(data, cp_isolation=["cp1252"]).best()
    if western and not (best and len(data) >= _TELLING and best.language in _NOT_WESTERN):
        return str(western)
    if best is None:
        raise ValueError("its encoding cannot be told; save it as UTF-8")
    return str(best)
