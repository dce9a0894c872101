"""Where `onbrand extract` finds its pages: a file, an address, or a folder of saved pages."""

import asyncio
import gzip
import zlib
from pathlib import Path

from rich.progress import track

from onbrand.atomic import atomic_file
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from scraper.extract.main_text import chosen_text, extract
from scraper.extract.many import score_all
from scraper.website.fetch import FetchError
from scraper.website.one_page import fetch_page, html_of

_ENDINGS = (".html", ".htm", ".html.gz", ".htm.gz")


def extract_one(place: str) -> str:
    """The main text of a file or of the page at an address.

    Raises:
        UsageError: there is no such file.
        OnbrandError: the address gives no page.
    """
    if place.startswith(("http://", "https://")):
        return extract(_fetched(place)).text
    path = Path(place)
    if not path.is_file():
        raise UsageError(f"{place} is no file and no http or https URL.")
    return extract(_read(path)).text


def extract_folder(folder: Path, out: Path) -> tuple[int, dict[str, str]]:
    """Write the main text of each `NAME.html` or `NAME.html.gz` in `folder` to `out/NAME.md`.

    Returns:
        How many texts were written, and by file name why a page could not be read.

    Raises:
        UsageError: the folder is missing or holds no saved page.
        OnbrandError: none of its pages can be read.
    """
    paths = [path for path in sorted(folder.glob("*")) if _name(path)] if folder.is_dir() else []
    if not paths:
        raise UsageError(f"{folder} holds no .html or .html.gz file.")
    out.mkdir(parents=True, exist_ok=True)
    pages: dict[str, str] = {}
    failed: dict[str, str] = {}
    for path in paths:
        if _name(path) in pages:
            failed[path.name] = f"another file gives {_name(path)}.md already; rename one of them."
            continue
        try:
            pages[_name(path)] = _read(path)
        except OnbrandError as error:
            failed[path.name] = str(error)
    if not pages:
        raise OnbrandError(f"No page in {folder} can be read: {next(iter(failed.values()))}")
    shown = track(
        score_all(list(pages.values())),
        "Reading pages",
        total=len(pages),
        console=notes,
        transient=True,
    )
    for name, scored in zip(pages, shown, strict=True):
        with atomic_file(out / f"{name}.md") as partial:
            partial.write_text(chosen_text(scored).text + "\n", encoding="utf-8")
    return len(pages), failed


def _name(path: Path) -> str:
    """The file's name without its ending; empty when it is no saved page."""
    for ending in _ENDINGS:
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return ""


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        if path.suffix.lower() == ".gz":
            content = gzip.decompress(content)
        return asyncio.run(html_of(content, "text/html", path.absolute().as_uri()))
    except (OSError, EOFError, zlib.error, FetchError) as error:
        raise OnbrandError(f"{path} cannot be read: {error}.") from error


def _fetched(url: str) -> str:
    try:
        return asyncio.run(fetch_page(url))
    except FetchError as error:
        raise OnbrandError(f"{url} cannot be fetched: {error}.") from error
