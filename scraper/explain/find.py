"""Which record is meant by an id, a URL, or a part of either."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from heapq import nlargest
from pathlib import Path
from urllib.parse import unquote

from onbrand.errors import UsageError
from onbrand.record import record_id
from scraper import raw
from scraper.website.url import normalise

_LISTED = 3
_COMPARED = 20
"""Names compared exactly with one that is unknown; the others are too far from it at a glance."""


def find(asked: str, places: Mapping[str, str], raw_folder: Path) -> str:
    """The id of the record that is meant.

    In this order: an id, a URL, another URL of a page (before redirects, an alias), the start of
    one id only, a part of one id or URL only. Case, percent-encoding, a trailing slash and what the
    crawl leaves out of a URL (fragment, tracking) make no difference, except between URLs that
    differ in nothing else (Instagram's codes are told apart by their case): there the one
    spelt as it was typed is meant.

    Args:
        asked: what the person typed.
        places: URL of each record, by id.
        raw_folder: where the pages as they were fetched lie.

    Raises:
        UsageError: more than one fits, or none: the sentence says why it could not be read, or
            names the nearest record.
    """
    wanted = _plain(asked)
    plain = {identifier: _plain(url) for identifier, url in places.items()}
    if wanted in places:
        return wanted
    own = [(url.removeprefix("file:"), name) for name, url in places.items()]
    other = list(_other_urls(raw_folder, places)) if "//" in wanted else []
    for found in (
        *(_named(asked, urls, read) for read in _READINGS for urls in (own, other)),
        {name for name in places if name.startswith(wanted)},
        {name for name, url in plain.items() if wanted in name or wanted in url},
    ):
        if len(found) == 1:
            return found.pop()
        if found:
            raise UsageError(_ambiguous(asked, found, places))
    raise UsageError(_unread(asked, wanted, raw_folder) or _unknown(asked, wanted, plain, places))


def _decoded(text: str) -> str:
    return unquote(text.strip()).rstrip("/")


def _normalised(text: str) -> str:
    return _decoded(normalise(text) or text)


def _plain(text: str) -> str:
    return _normalised(text).casefold()


_READINGS: tuple[Callable[[str], str], ...] = (str.strip, _decoded, _normalised, _plain)
"""Of a URL, from the one that makes most differences to the one that makes fewest."""


def _named(asked: str, urls: Iterable[tuple[str, str]], read: Callable[[str], str]) -> set[str]:
    wanted = read(asked).removeprefix("file:")
    return {name for url, name in urls if read(url) == wanted}


def _other_urls(raw_folder: Path, places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The addresses of pages before redirects, and their aliases."""
    for page in raw.read_raw(raw_folder / raw.PAGES, raw.Page):
        if (name := record_id("website", page.final_url)) in places:
            yield from ((url, name) for url in (page.url, *page.aliases))


def _unread(asked: str, wanted: str, raw_folder: Path) -> str:
    """Why the page, item or file of that name could not be read; empty where it is not known."""
    for path in sorted(raw_folder.glob("*failed.jsonl")):
        for failed in raw.read_raw(path, raw.Failed):
            if _plain(failed.locator) == wanted:
                return f"{asked} is no record: it could not be read ({failed.reason.rstrip('.')})."
    return ""


def _ambiguous(asked: str, found: Iterable[str], places: Mapping[str, str]) -> str:
    names = sorted(found)
    listed = ", ".join(f"{name} ({places[name]})" for name in names[:_LISTED])
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f"{asked} fits {len(names):,} records: {listed}{more}; give more of the id or URL."


def _unknown(asked: str, wanted: str, plain: Mapping[str, str], places: Mapping[str, str]) -> str:
    if not places:
        return f"No record is called {asked}: the last build had none at all."
    known = {name: name for name in plain} | {url: name for name, url in plain.items()}
    matcher = SequenceMatcher(b=wanted, autojunk=False)

    def alike(candidate: str, exact: bool) -> float:
        matcher.set_seq1(candidate)
        return matcher.ratio() if exact else matcher.quick_ratio()

    best = nlargest(_COMPARED, known, key=lambda candidate: alike(candidate, exact=False))
    name = known[max(best, key=lambda candidate: alike(candidate, exact=True))]
    return f"No record is called {asked}; the nearest is {name} ({places[name]})."
