"""What several commands share: opening the workspace, showing an outcome."""

import os
from pathlib import Path
from typing import Annotated

import typer

from onbrand.artifact import Manifest, Outcome
from onbrand.base_models import is_hub_id, resolve
from onbrand.console import notes, results
from onbrand.workspace import Workspace, open_workspace

Force = Annotated[bool, typer.Option("--force", help="Repeat it although nothing has changed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def workspace_of(context: typer.Context) -> Workspace:
    """The workspace named by `--workspace`; its configuration is checked at once."""
    workspace = open_workspace(Path(context.obj))
    if not is_hub_id(workspace.config.model.base, workspace.root):
        # Libraries look things up on the hub even for local folders, unless they are told not to.
        os.environ["HF_HUB_OFFLINE"] = "1"
    return workspace


def base_folder(workspace: Workspace) -> Path:
    """The local folder of the configured base model; fetched or converted when needed."""
    return resolve(workspace.config.model.base, workspace.root, gguf_converter)


def gguf_converter(gguf: Path, folder: Path) -> None:
    """Convert an embedded model; imports torch, so only once it is needed."""
    from finetune.gguf_conversion import convert

    convert(gguf, folder)


def show(outcome: Outcome, as_json: bool) -> None:
    """Print an outcome: the manifest as JSON, or one line about it."""
    manifest = outcome.manifest
    if as_json:
        results.print_json(manifest.model_dump_json())
    elif outcome.was_current:
        notes.print(
            f"[green]✓[/green] {manifest.command}: up to date (made {manifest.finished_at}); "
            "--force repeats it."
        )
    else:
        notes.print(f"[green]✓[/green] {manifest.command}: {summary(manifest)}")


def summary(manifest: Manifest) -> str:
    """The manifest's figures in a line."""
    figures = {name: f"{value:,}" for name, value in manifest.counts.items() if value}
    figures |= {
        name: f"{value:.3g}" if isinstance(value, float) else str(value)
        for name, value in manifest.details.items()
        if isinstance(value, int | float | str)
    }
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
