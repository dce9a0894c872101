"""What a site repeats on its pages, and what it says once: no single page gives that away.

A block is compared by its words, without case and spacing. It is furniture

- when it stands on a large share of the site's pages, wherever; or
- when it stands at the same place of the markup on at least half of the pages that have anything at
  that place (on two at least), and on three pages in all: a footer that only one of three templates
  has is found so.

What stands on one page only is the better evidence for main text: with `MANY` pages and more its
odds are raised, so that a short list of a product is not taken for furniture.

A heading that repeats stays where text follows that does not repeat: "Ingredients" above this
product's own ingredients belongs to them.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scraper.extract.blocks import HEADINGS
from scraper.extract.score import Scored
from scraper.extract.words import key as key_of

MIN_PAGES = 3
"""A block on fewer pages than this is never furniture, however small the site."""
SAME_PLACE = 0.5
"""Share of the pages with anything at a place that makes what repeats there furniture."""
MANY = 8
"""Pages of a site from which a block that stands on one of them only is known to be its own."""
OWN_TEXT = 2.0
"""What that adds to the log-odds: outside of the main text about one block in seven is a page's own
(what is left are teasers, which are unlike on every page), within it almost all are."""
_LIKELY = 0.5
"""Probability from which a block counts as text of its page, when pages are compared."""


def compared(pages: Sequence[Scored], share: float) -> list[Scored]:
    """The pages of one site, judged anew: what repeats has no chance, what does not a better one.

    Pages with the same title and the same likely main text count once, so a page that was saved
    under three addresses does not lose its own words.

    Args:
        pages: all pages of the site.
        share: a block on at least this share of the pages is furniture, wherever it stands.
    """
    keys = [[key_of(block.text) for block in page.page.blocks] for page in pages]
    places = [_places(page) for page in pages]
    distinct: dict[tuple[str, frozenset[str]], int] = {}
    for number, page in enumerate(pages):
        own = {key for key, p in zip(keys[number], page.chances, strict=True) if p >= _LIKELY}
        distinct.setdefault((page.title, frozenset(own or keys[number])), number)
    on_pages: Counter[str] = Counter()
    with_place: Counter[str] = Counter()
    at_place: Counter[tuple[str, str]] = Counter()
    for number in distinct.values():
        on_pages.update(set(keys[number]))
        with_place.update(set(places[number]))
        at_place.update(set(zip(places[number], keys[number], strict=True)))
    most = max(MIN_PAGES, math.ceil(share * len(distinct) - 1e-9))

    def repeats(place: str, key: str) -> bool:
        here = at_place[place, key]
        if on_pages[key] >= most:
            return True
        # Of a place that two pages have, what they share must stand on a third page too.
        return on_pages[key] >= MIN_PAGES and here >= max(2, SAME_PLACE * with_place[place])

    judged = []
    for number, page in enumerate(pages):
        once = [on_pages[key] <= 1 and len(distinct) >= MANY for key in keys[number]]
        again = [repeats(*at) for at in zip(places[number], keys[number], strict=True)]
        odds = page.chances / (1 - page.chances) * np.exp(OWN_TEXT * np.array(once, dtype=float))
        chances = odds / (1 + odds)
        furniture = _gone(page, again)
        chances[furniture] = 0.0
        judged.append(replace(page, chances=chances, furniture=tuple(furniture)))
    return judged


def _gone(page: Scored, repeated: list[bool]) -> list[int]:
    """The repeated blocks, less the headings that lead into text of the page's own."""
    found = {number for number, again in enumerate(repeated) if again}
    nodes, blocks = page.page.nodes, page.page.blocks
    for number in sorted(found):
        following = number + 1
        if (
            nodes[blocks[number].node].tag in HEADINGS
            and following < len(blocks)
            and not repeated[following]
            and nodes[blocks[following].node].tag not in HEADINGS
            and page.chances[number] >= _LIKELY
            and page.chances[following] >= _LIKELY
        ):
            found.discard(number)
    return sorted(found)


def _places(page: Scored) -> list[str]:
    """Of each block the tags and first class names from the body down to it."""
    paths: list[str] = []
    for node in page.page.nodes:  # parents come before their children
        above = paths[node.parent] if node.parent >= 0 else ""
        paths.append(f"{above}/{node.tag}.{node.hints.partition(' ')[0]}")
    return [paths[block.node] for block in page.page.blocks]


def by_site(hosts: Sequence[str]) -> dict[str, list[int]]:
    """The positions of the pages of each host."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, host in enumerate(hosts):
        found[host].append(number)
    return found
