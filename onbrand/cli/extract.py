"""`onbrand extract`: the main text of one page, or of a folder of saved pages."""

from pathlib import Path
from typing import Annotated

import typer

from onbrand.console import notes
from onbrand.errors import UsageError
from onbrand.plural import plural


def extract(
    page: Annotated[
        str, typer.Argument(metavar="[FILE_OR_URL]", help="An HTML file, or an address.")
    ] = "",
    html_folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Read all .html and .html.gz files of a folder."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where their texts go, as NAME.md.")
    ] = None,
) -> None:
    """Print the main text of a web page as Markdown; needs no workspace."""
    if bool(page) == bool(html_folder) or bool(html_folder) != bool(out):
        raise UsageError("Name one FILE_OR_URL, or --html-folder together with --out.")
    from scraper.extract.sources import extract_folder, extract_one

    if html_folder is None or out is None:
        typer.echo(extract_one(page))
        return
    written, failed = extract_folder(html_folder, out)
    for name, reason in failed.items():
        notes.print(f"{name}: {reason}", style="yellow", markup=False)
    notes.print(f"[green]✓[/green] extract: {plural(written, 'page')} → {out}", soft_wrap=True)
