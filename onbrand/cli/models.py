"""`onbrand models`: which base models there are, and fetching one ahead of time."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from onbrand.base_models import EMBEDDED, embedded_folder, resolve
from onbrand.cli.common import AsJson, gguf_converter
from onbrand.console import notes, results

app = typer.Typer(help="Base models: list them, or fetch one ahead of time.")


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """List the base models unless another command follows."""
    if context.invoked_subcommand is None:
        list_models(as_json=False)


@app.command(name="list")
def list_models(as_json: AsJson = False) -> None:
    """The embedded base models and where they lie."""
    rows = [
        {
            "name": model.name,
            "parameters": model.parameters,
            "licence": model.licence,
            "source": f"PyPI {model.requirement}",
            "cached": embedded_folder(model).is_dir(),
            "folder": str(embedded_folder(model)),
        }
        for model in EMBEDDED.values()
    ]
    if as_json:
        results.print_json(data=rows)
        return
    table = Table(box=None)
    for heading in rows[0]:
        table.add_column(heading)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    results.print(table)
    notes.print("[dim]Also: a local folder, or a Hugging Face hub id, as \\[model] base.[/dim]")


@app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(help="Embedded model, folder, or hub id.")
    ] = "smollm2-135m",
) -> None:
    """Fetch (and convert) a base model into the cache; print its folder."""
    results.print(str(resolve(name, Path.cwd(), gguf_converter)), soft_wrap=True)
