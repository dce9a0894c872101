"""`onbrand init` and `onbrand config`."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from onbrand.atomic import write_text
from onbrand.cli.common import AsJson, workspace_of
from onbrand.config import BrandConfig
from onbrand.config_template import brand_toml
from onbrand.console import notes, results
from onbrand.errors import UsageError
from onbrand.workspace import CONFIG_NAME, Workspace

_GITIGNORE = "/.env\n/.lock\n/raw/\n/clean/\n/dataset/\n/models/\n/logs/\n/bots/\n/reports/cache/\n"


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
    _check_sites(site or [])
    write_text(path, brand_toml(name or folder.resolve().name, site or []))
    if not (folder / ".gitignore").exists():
        write_text(folder / ".gitignore", _GITIGNORE)
    notes.print(f"Wrote {path}. Fill in \\[brand] and your sources, then: onbrand run")


def _check_sites(sites: list[str]) -> None:
    if not sites:
        return
    from scraper.website.url import normalise

    for site in sites:
        if normalise(site) is None:
            raise UsageError(
                f"--site {site} is no http or https URL; write it like https://www.example.com/."
            )


def config(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every effective setting and where it came from."""
    workspace = workspace_of(context)
    rows = list(_settings(workspace))
    if as_json:
        results.print_json(data=rows)
        return
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    results.print(table)


def _settings(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Every setting: its key, effective value, where that came from, and what it means."""
    written = tomllib.loads((workspace.root / CONFIG_NAME).read_text(encoding="utf-8-sig"))
    for section in BrandConfig.model_fields:
        values = getattr(workspace.config, section)
        for key, field in type(values).model_fields.items():
            yield {
                "key": f"{section}.{key}",
                "value": getattr(values, key),
                "from": CONFIG_NAME if key in written.get(section, {}) else "default",
                "meaning": field.description,
            }
