"""Page furniture: lines that a site repeats on many of its pages."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from onbrand.record import Record
from scraper.clean.rejected import Sieve
from scraper.clean.repair import tidy

MIN_PAGES = 3
"""A line on fewer pages than this is never furniture, however small the site."""


def remove_repeated_blocks(
    records: Sequence[Record], share: float, site_of: Callable[[Record], str], sieve: Sieve
) -> list[Record]:
    """Remove lines that stand on at least `share` of the distinct pages of their site.

    Lines are compared whole, without case and spacing. Pages with equal text count once, so a page
    that was saved under three addresses does not lose its own words. `site_of` gives a record's
    site, or "" for one that belongs to none; a page with nothing else is dropped.
    """
    sites: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        sites[site_of(record)].append(record)
    furniture = {site: _repeated(pages, share) for site, pages in sites.items() if site}
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


def _repeated(pages: Sequence[Record], share: float) -> set[str]:
    distinct = {frozenset(key for line in page.text.split("\n") if (key := _key(line)))
                for page in pages}  # fmt: skip
    counts = Counter(key for keys in distinct for key in keys)
    least = max(MIN_PAGES, math.ceil(share * len(distinct) - 1e-9))
    return {key for key, count in counts.items() if count >= least}


def _key(line: str) -> str:
    return " ".join(line.casefold().split())
