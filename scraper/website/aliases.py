"""Which pages are others over again: by their canonical link, or by another spelling of the URL.

Decided when the crawl is complete, so that neither order nor interruption matters. A page is only
taken for another one if that one is there and says the same; a site on which every page names the
home page as canonical loses nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from scraper.website.database import Database
from scraper.website.document import parse
from scraper.website.frontier import Level
from scraper.website.links import texts
from scraper.website.results import Results, targets
from scraper.website.url import loose_spelling

NEW_WORDS = 0.2
"""Share of a page's distinct words that its canonical page may lack."""
NEW_WORDS_IF_DOUBTFUL = 0.02
"""The same where the canonical link is to the home page, or shared by pages of several paths."""
MANY_PATHS = 5


@dataclass(frozen=True)
class _Known:
    """A page that is done, as far as it concerns aliases."""

    url: str
    level: Level
    content_hash: str
    canonical: str


def find_aliases(db: Database) -> dict[str, str]:
    """The URL of the page to keep, for each page that is to be left out."""
    pages = {page.url: page for page in _known(db)}
    nearest = {**_other_spellings(pages.values()), **_canonicals(db, pages)}
    aliases = {}
    for url in nearest:
        kept = _end(url, nearest, pages)
        if kept != url:
            aliases[url] = kept
    return aliases


def _known(db: Database) -> Iterator[_Known]:
    rows = db.execute(
        "SELECT url, depth, turn, content_hash, canonical FROM url WHERE state = 'done'"
    )
    return (_Known(url, (depth, turn), digest, own) for url, depth, turn, digest, own in rows)


def _other_spellings(pages: Iterable[_Known]) -> dict[str, str]:
    """Pages of equal content whose URLs differ as `loose_spelling` says: all lead to the first."""
    groups = defaultdict(list)
    for page in pages:
        groups[loose_spelling(page.url), page.content_hash].append(page)
    found: dict[str, str] = {}
    for group in groups.values():
        first, *others = sorted(group, key=lambda page: (page.level, page.url))
        found |= {page.url: first.url for page in others}
    return found


def _canonicals(db: Database, pages: Mapping[str, _Known]) -> dict[str, str]:
    """Pages whose canonical page is there, redirects followed, and says the same."""
    redirects, results = targets(db), Results(db)
    claims: dict[str, str] = {}
    for page in pages.values():
        target = page.canonical
        for _ in range(len(redirects)):
            if target not in redirects:
                break
            target = redirects[target]
        if target in pages and target != page.url:
            claims[page.url] = target
    paths = defaultdict(set)
    for url, target in claims.items():
        paths[target].add(urlsplit(url).path.rstrip("/"))

    @lru_cache(maxsize=50)
    def words(url: str) -> frozenset[str]:
        tree = parse(results.page(url).html)
        return frozenset() if tree is None else frozenset(" ".join(texts(tree)).casefold().split())

    agreed = {}
    for url, target in sorted(claims.items(), key=lambda claim: claim[::-1]):
        own = words(url)
        doubtful = urlsplit(target).path == "/" or len(paths[target]) >= MANY_PATHS
        allowed = NEW_WORDS_IF_DOUBTFUL if doubtful else NEW_WORDS
        if len(own - words(target)) <= allowed * len(own):
            agreed[url] = target
    return agreed


def _end(url: str, nearest: Mapping[str, str], pages: Mapping[str, _Known]) -> str:
    """Where a chain of aliases ends; on a circle, the first page that was found on it."""
    way = [url]
    while (following := nearest.get(way[-1])) is not None:
        if following in way:
            circle = way[way.index(following) :]
            return min(circle, key=lambda place: (pages[place].level, place))
        way.append(following)
    return way[-1]
