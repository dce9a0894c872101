"""Which of the site's URLs are wanted: `website.include`, `website.exclude`, and no traps."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from onbrand.config import Website
from onbrand.errors import UsageError
from scraper.website.frontier import Sifted
from scraper.website.scope import Scope
from scraper.website.traps import oddity
from scraper.website.url import normalise

_WANTED = "wanted"
_EXCLUDED = "excluded"


class Selection:
    """The user's choice among the site's pages. The start URLs are always in it."""

    def __init__(self, settings: Website, scope: Scope, start_urls: Iterable[str]) -> None:
        """Read the patterns.

        Raises:
            UsageError: one of them can match nothing.
        """
        self._scope = scope
        self._start_urls = frozenset(start_urls)
        self._include = [_Pattern("include", pattern) for pattern in settings.include]
        self._exclude = [_Pattern("exclude", pattern) for pattern in settings.exclude]
        self._verdict = lru_cache(65_536)(self._judge)  # the same links stand on every page

    def is_inside(self, url: str) -> bool:
        """Whether a URL belongs to the site at all."""
        return url in self._scope

    def leaves_out(self, url: str) -> bool:
        """Whether `include` and `exclude` leave a URL of the site out."""
        if url in self._start_urls:
            return False
        if any(pattern.matches(url) for pattern in self._exclude):
            return True
        return bool(self._include) and not any(p.matches(url) for p in self._include)

    def objection(self, target: str) -> str | None:
        """Why a redirect or a canonical link is not to be followed there, or None."""
        if target not in self._scope:
            return f"out of the site, to {target or 'no http or https URL'}"
        if self.leaves_out(target):
            return f"to {target}, which website.include and exclude leave out"
        odd = None if target in self._start_urls else oddity(target)
        return odd and f"to {target}, which looks like a trap: {odd}"

    def sift(self, links: Iterable[str]) -> Sifted:
        """The links that lead to the site, sorted by what is to become of them."""
        sifted = Sifted()
        for url in links:
            verdict = self._verdict(url)
            if verdict == _WANTED:
                sifted.wanted.append(url)
            elif verdict == _EXCLUDED:
                sifted.excluded.append(url)
            elif verdict:
                sifted.traps[url] = verdict
        return sifted

    def _judge(self, url: str) -> str | None:
        """None for a URL beyond the site, what it is within it, or why it is a trap."""
        if url not in self._scope:
            return None
        if self.leaves_out(url):
            return _EXCLUDED
        odd = None if url in self._start_urls else oddity(url)
        return f"it looks like a trap: {odd}" if odd else _WANTED


class _Pattern:
    """A glob over paths; `*` stands for any characters, slashes too, nothing else is special.

    With a host in front it is matched to host and path, with a question mark to the query too.
    """

    def __init__(self, key: str, pattern: str) -> None:
        bare = re.sub(r"^https?://", "", pattern.strip())
        if not bare.startswith(("/", "*")):
            if normalise(f"http://{bare.replace('*', 'x')}") is None or "." not in bare:
                raise UsageError(
                    f"website.{key} in brand.toml: {pattern!r} matches no page; begin a path with "
                    '/ as in "/blog/*", or name a host as in "blog.example.com/*".'
                )
            bare = bare if "/" in bare else f"{bare}/*"
        parts = [re.escape(part) for part in unquote(bare).split("*")]
        self._regex = re.compile(".*".join(parts), re.DOTALL)
        self._reads_query = "?" in bare

    def matches(self, url: str) -> bool:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query and self._reads_query else ""
        place = unquote(f"{parts.path}{query}")
        return any(map(self._regex.fullmatch, (place, f"{parts.netloc}{place}")))
