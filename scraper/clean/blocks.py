"""Page furniture: lines that a site repeats on many of its pages."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from onbrand.record import Record
from scraper.clean.rejected import Sieve
from scraper.clean.repair import tidy
from scraper.extract.site import MIN_PAGES
from scraper.extract.words import key

_YEARS = re.compile(r"\b(?:19|20)\d\d(?:\s?[-–]\s?(?:19|20)\d\d)?\b")


def leave_own_text(
    records: Sequence[Record], own: Mapping[str, str], sieve: Sieve
) -> Iterator[Record]:
    """Leave of each web page what its site's other pages do not repeat.

    Args:
        records: pages with that text in it, and others.
        own: by a page's id, its text without.
        sieve: takes the pages that hold nothing else.
    """
    for record in records:
        text = own.get(record.id, record.text)
        if text or not record.text:
            yield record.model_copy(update={"text": text}) if text != record.text else record
        else:
            sieve.drop(record, "main-text", "all it says is repeated on the site's other pages")


def remove_repeated_blocks(
    records: Sequence[Record], share: float, site_of: Callable[[Record], str], sieve: Sieve
) -> list[Record]:
    """Remove lines that stand on at least `share` of the distinct pages of their site.

    Half of that is enough for a line that is the first, or the last, of every page it stands on, as
    headers and footers are. Lines are compared whole, without case, spacing and the year after a ©.
    Pages with equal text count once, so a page that was saved under three addresses does not lose
    its own words. `site_of` gives a record's site, or "" for one that belongs to none; a page with
    nothing else is dropped.
    """
    sites: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        sites[site_of(record)].append(record)
    furniture = {site: _furniture(pages, share) for site, pages in sites.items() if site}
    kept: list[Record] = []
    for record in records:
        lines = record.text.split("\n")
        own = [line for line in lines if _key(line) not in furniture.get(site_of(record), set())]
        if len(own) == len(lines):
            kept.append(record)
        elif text := tidy("\n".join(own)):
            kept.append(record.model_copy(update={"text": text}))
        else:
            sieve.drop(record, "repeated-blocks", "every line repeats on the site's other pages")
    return kept


def _furniture(records: Sequence[Record], share: float) -> set[str]:
    """The lines that repeat, and those that do once these and the pages of only these are gone."""
    pages = [[own for line in r.text.split("\n") if (own := _key(line))] for r in records]
    found: set[str] = set()
    while more := _repeated([page for page in pages if page], share):
        found |= more
        pages = [[line for line in page if line not in more] for page in pages]
    return found


def _repeated(pages: Sequence[Sequence[str]], share: float) -> set[str]:
    distinct = {frozenset(page) for page in pages}
    counts = Counter(line for lines in distinct for line in lines)
    least, least_at_end = (
        max(MIN_PAGES, math.ceil(part * len(distinct) - 1e-9)) for part in (share, share / 2)
    )
    not_first = {line for page in pages for line in page[1:]}
    not_last = {line for page in pages for line in page[:-1]}
    inside = not_first & not_last
    return {
        line
        for line, count in counts.items()
        if count >= least or (count >= least_at_end and line not in inside)
    }


def _key(line: str) -> str:
    return key(_YEARS.sub("", line) if "©" in line else line)
