"""Gives up families of URLs that have turned out to be traps, level by level."""

from collections import defaultdict

from scraper.website.document import parse
from scraper.website.frontier import Frontier, Level
from scraper.website.links import links, texts
from scraper.website.results import Results
from scraper.website.traps import (
    MOST_COMBINATIONS,
    Family,
    Kind,
    Seen,
    combines,
    family_of,
    is_barren,
    words_of,
)


class TrapWatch:
    """Looks at each level before it is visited, when all that led to it is known.

    So what is given up does not depend on the order of answers, nor on interruptions. URLs up to
    depth 1 always pass: a start page or a sitemap names them, so there is an end to them.
    """

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._results = Results(frontier.db)
        self._seen: dict[str, Seen] = {}

    def look_at(self, level: Level) -> None:
        """Give up what is a trap among the URLs that wait at a level; done once for each level."""
        if level[0] <= 1 or self._frontier.looked_at(level):
            return
        waiting = defaultdict(list)
        for url in self._frontier.waiting_at(level):
            if family := family_of(url):
                waiting[family].append(url)
        visited = self._visited() if waiting else {}
        reasons: dict[str, str] = {}
        for family, urls in waiting.items():
            before = visited.get(family, [])
            if self._is_trap(family, before):
                what = f"{family.kind.value} URLs like it led to nothing new and said the same"
                reasons |= dict.fromkeys(urls, f"it looks like a trap: {what}")
            elif family.kind is Kind.PARAMETERS:
                room = max(0, MOST_COMBINATIONS - sum(combines(url) for _, url in before))
                what = f"more than {MOST_COMBINATIONS} combinations of parameters"
                combined = [url for url in urls if combines(url)]
                reasons |= dict.fromkeys(combined[room:], f"it looks like a trap: {what}")
        self._frontier.give_up(level, reasons)

    def _visited(self) -> dict[Family, list[tuple[Level, str]]]:
        found = defaultdict(list)
        for level, url in sorted(self._frontier.visited()):
            if family := family_of(url):
                found[family].append((level, url))
        return found

    def _is_trap(self, family: Family, visited: list[tuple[Level, str]]) -> bool:
        done = [url for _, url in visited if self._frontier.is_done(url)]
        enough = family.kind.value
        latest = done[-enough:]
        return len(latest) == enough and is_barren([self._what(url, family) for url in latest])

    def _what(self, url: str, family: Family) -> Seen:
        if url not in self._seen:
            self._seen[url] = self._read(url, family)
        return self._seen[url]

    def _read(self, url: str, family: Family) -> Seen:
        page = self._results.page(url)
        tree = parse(page.html)
        if tree is None:
            return Seen(frozenset(), leads_on=False, leads_elsewhere=False)
        new = [
            link
            for link in links(tree, page.final_url)
            if (found_at := self._frontier.level_of(link)) and found_at[0] > page.depth
        ]
        return Seen(
            words=words_of(texts(tree)),
            leads_on=any(family_of(link) == family for link in new),
            leads_elsewhere=any(family_of(link) != family for link in new),
        )
