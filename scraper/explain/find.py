"""Which record is meant by an id, a URL, or a part of either."""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from heapq import nlargest
from pathlib import Path
from urllib.parse import unquote

from onbrand.errors import UsageError
from onbrand.record import record_id
from scraper import raw

_LISTED = 3
_COMPARED = 20
"""Names compared exactly with one that is unknown; the others are too far from it at a glance."""


def find(asked: str, places: Mapping[str, str], raw_folder: Path) -> str:
    """The id of the record that is meant.

    In this order: an id, a URL, another URL of a page (before redirects, an alias), the start of
    one id only, a part of one id or URL only. Case, percent-encoding and a trailing slash make no
    difference.

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
    for found in (
        [name for name, url in plain.items() if wanted in (url, url.removeprefix("file:"))],
        _under_another_url(wanted, raw_folder, places),
        [name for name in places if name.startswith(wanted)],
        [name for name, url in plain.items() if wanted in name or wanted in url],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(_ambiguous(asked, found, places))
    raise UsageError(_unread(asked, wanted, raw_folder) or _unknown(asked, wanted, plain, places))


def _plain(text: str) -> str:
    return unquote(text.strip()).casefold().rstrip("/")


def _under_another_url(wanted: str, raw_folder: Path, places: Mapping[str, str]) -> list[str]:
    if "//" not in wanted:
        return []
    found = {
        record_id("website", page.final_url): None
        for page in raw.read_raw(raw_folder / raw.PAGES, raw.Page)
        if wanted in map(_plain, (page.url, *page.aliases))
    }
    return [identifier for identifier in found if identifier in places]


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
