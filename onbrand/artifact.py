"""Manifests: what every artifact says about how it was made, and whether it is still current."""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from onbrand import __version__
from onbrand.atomic import write_text
from onbrand.errors import OnbrandError

MANIFEST_NAME = "manifest.json"


class Manifest(BaseModel):
    """`manifest.json`, the last file a command writes into its artifact's folder."""

    command: str
    onbrand: str = __version__
    config_hash: str
    """Over the sections of `brand.toml` that the command reads."""
    inputs: dict[str, str] = {}
    """Hash of each input, by name."""
    seed: int | None = None
    versions: dict[str, str] = {}
    counts: dict[str, int] = {}
    output_hash: str = ""
    """Hash of the artifact's content, which the next stage records as its input."""
    started_at: str
    finished_at: str
    details: dict[str, Any] = {}


def now() -> str:
    """The current time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an artifact, or None when there is none that can be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def required_manifest(folder: Path, what: str, command: str) -> Manifest:
    """The manifest of an artifact that has to be there.

    Raises:
        OnbrandError: it is not; the sentence names the command that makes it.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise OnbrandError(f"{folder} holds no {what}; run `onbrand {command}` first.")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` atomically; its presence means that the artifact is complete."""
    write_text(folder / MANIFEST_NAME, manifest.model_dump_json(indent=2) + "\n")


def up_to_date(folder: Path, config_hash: str, inputs: Mapping[str, str]) -> Manifest | None:
    """The artifact's manifest when it was made from exactly this configuration and these inputs."""
    manifest = read_manifest(folder)
    if manifest and manifest.config_hash == config_hash and manifest.inputs == dict(inputs):
        return manifest
    return None


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_hash(folder: Path, pattern: str = "**/*") -> str:
    """SHA-256 over the names and bytes of a folder's files, manifests left out."""
    files = sorted(p for p in folder.glob(pattern) if p.is_file() and p.name != MANIFEST_NAME)
    digest = {str(path.relative_to(folder)): file_hash(path) for path in files}
    return hashlib.sha256(json.dumps(digest, sort_keys=True).encode()).hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of the named packages, and Python's; packages not installed are absent."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Outcome:
    """What a command hands back: the artifact's manifest, and whether anything was done for it."""

    manifest: Manifest
    was_current: bool
    """True: neither configuration nor inputs had changed, so nothing was repeated."""
