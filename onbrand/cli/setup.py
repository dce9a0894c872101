"""`onbrand init` and `onbrand config`."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from onbrand.atomic import write_text
from onbrand.cli.common import AsJson, workspace_of
from onbrand.config import BrandConfig
from onbrand.config_template import brand_toml
from onbrand.console import notes, results
from onbrand.errors import UsageError
from onbrand.workspace import CONFIG_NAME


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make the workspace in.")] = Path("."),
    name: Annotated[str, typer.Option(help="The brand's name.")] = "",
    site: Annotated[
        list[str] | None, typer.Option(help="URL the crawl starts at; repeat for more.")
    ] = None,
) -> None:
    """Make a workspace: a folder with a documented brand.toml."""
    path = folder / CONFIG_NAME
    if path.exists():
        raise UsageError(f"{path} is there already; edit it, or choose another folder.")
    write_text(path, brand_toml(name or folder.resolve().name, site or []))
    write_text(folder / ".gitignore", "/.env\n/raw/\n/clean/\n/dataset/\n/models/\n/logs/\n")
    notes.print(f"Wrote {path}. Fill in \\[brand] and your sources, then: onbrand run")


def config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every effective setting and where it came from."""
    workspace = workspace_of(context)
    if as_json:
        results.print_json(workspace.config.model_dump_json())
        return
    written = tomllib.loads((workspace.root / CONFIG_NAME).read_text(encoding="utf-8"))
    table = Table(box=None)
    for heading in ("key", "value", "from", "meaning"):
        table.add_column(heading)
    for section in BrandConfig.model_fields:
        values = getattr(workspace.config, section)
        for key, field in type(values).model_fields.items():
            origin = CONFIG_NAME if key in written.get(section, {}) else "default"
            value = repr(getattr(values, key)).replace("[", r"\[")
            table.add_row(f"{section}.{key}", value, origin, field.description)
    results.print(table)
