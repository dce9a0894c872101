"""Where `onbrand extract` finds its pages: a file, an address, or a folder of saved pages."""

import gzip
from pathlib import Path

import httpx
from rich.progress import track

from onbrand.atomic import atomic_file
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from scraper.extract.main_text import chosen_text, extract
from scraper.extract.many import score_all
from scraper.website.charset import decode

_TIMEOUT = 30.0
"""Seconds without an answer."""


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
    """
    paths = [path for path in sorted(folder.glob("*")) if _name(path)] if folder.is_dir() else []
    if not paths:
        raise UsageError(f"{folder} holds no .html or .html.gz file.")
    out.mkdir(parents=True, exist_ok=True)
    pages, failed = {}, {}
    for path in paths:
        try:
            pages[_name(path)] = _read(path)
        except OnbrandError as error:
            failed[path.name] = str(error)
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
    for ending in (".html", ".htm", ".html.gz", ".htm.gz"):
        if path.name.endswith(ending):
            return path.name.removesuffix(ending)
    return ""


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise OnbrandError(f"{path} cannot be read: {error}.") from error
    return decode(content, "text/html")


def _fetched(url: str) -> str:
    try:
        answer = httpx.get(url, follow_redirects=True, timeout=_TIMEOUT)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OnbrandError(f"{url} cannot be fetched: {error}.") from error
    return decode(answer.content, answer.headers.get("content-type", ""))
