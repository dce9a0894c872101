"""robots.txt (RFC 9309), once for each origin, kept in the frontier so that a resume agrees."""

import asyncio

from protego import Protego

from onbrand.config import Website
from scraper.website.fetch import Fetcher, FetchError
from scraper.website.frontier import Frontier
from scraper.website.site_files import SiteFiles
from scraper.website.url import host_of, normalise, origin_of

LARGEST = 512_000
"""Bytes of a robots.txt that count (RFC 9309, 2.5 asks for at least 500 KiB)."""
LARGEST_TRANSFER = 5_000_000
LONGEST_CRAWL_DELAY = 30.0


class Robots:
    """Answers whether a URL may be fetched; asks each origin for its robots.txt once."""

    def __init__(
        self,
        fetcher: Fetcher,
        frontier: Frontier,
        files: SiteFiles,
        settings: Website,
    ) -> None:
        self._fetcher = fetcher
        self._frontier = frontier
        self._files = files
        self._obeyed = settings.obey_robots
        self._user_agent = settings.user_agent
        self._rules: dict[str, Protego | FetchError] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def allows(self, url: str) -> bool:
        """Whether robots.txt allows the URL.

        Raises:
            FetchError: robots.txt cannot be had because the host does not answer or answers 5xx;
                RFC 9309 (2.3.1.4) then forbids everything.
        """
        if not self._obeyed:
            return True
        return bool((await self._rules_of(origin_of(url))).can_fetch(url, self._user_agent))

    async def sitemaps(self, url: str) -> list[str]:
        """Sitemaps that the robots.txt of the URL's origin names; raises as `allows`."""
        named = (normalise(entry) for entry in (await self._rules_of(origin_of(url))).sitemaps)
        return [entry for entry in named if entry]

    async def _rules_of(self, origin: str) -> Protego:
        async with self._locks.setdefault(origin, asyncio.Lock()):
            if origin not in self._rules:
                try:
                    self._rules[origin] = Protego.parse(await self._text(origin))
                except FetchError as error:
                    self._rules[origin] = error
        rules = self._rules[origin]
        if isinstance(rules, FetchError):
            words = str(rules)
            if words.startswith("HTTP"):
                words = f"its robots.txt answers {words}"
            raise FetchError(words, passing=rules.passing)
        if self._obeyed and (delay := rules.crawl_delay(self._user_agent)):
            self._fetcher.pace.slow_down(host_of(origin), min(delay, LONGEST_CRAWL_DELAY))
        return rules

    async def _text(self, origin: str) -> str:
        text = self._frontier.robots(origin)
        if text is None:
            answer = await self._files.get(f"{origin}/robots.txt", LARGEST_TRANSFER)
            # 4xx: there are no rules (RFC 9309, 2.3.1.3).
            text = answer.body[:LARGEST].decode("utf-8", "replace") if answer.body else ""
            self._frontier.keep_robots(origin, text)
        return text
