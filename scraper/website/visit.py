"""One visit: what becomes of a URL whose turn has come."""

import hashlib

from onbrand.artifact import now
from onbrand.config import Website
from scraper.raw import Page
from scraper.website.charset import decode
from scraper.website.document import links, parse
from scraper.website.fetch import Answer, Fetcher, FetchError
from scraper.website.frontier import Entry, Frontier
from scraper.website.render import Renderer, RenderError
from scraper.website.robots import Robots
from scraper.website.scope import Scope
from scraper.website.url import normalise

MOST_REDIRECTS = 10

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", ""})


class Visitor:
    """Visits URLs and writes into the frontier what became of them."""

    def __init__(
        self,
        settings: Website,
        frontier: Frontier,
        fetcher: Fetcher,
        robots: Robots,
        scope: Scope,
        renderer: Renderer,
    ) -> None:
        self._settings = settings
        self._frontier = frontier
        self._fetcher = fetcher
        self._robots = robots
        self._scope = scope
        self._renderer = renderer

    async def visit(self, entry: Entry) -> None:
        """Fetch, render if need be, and finish the URL: page, redirect, failed or disallowed."""
        try:
            if not await self._robots.allows(entry.url):
                reason = "robots.txt disallows it"
                self._frontier.finish_failed(entry.url, reason, disallowed=True)
                return
            answer = await self._fetcher.get(entry.url, wanted=_HTML_TYPES.__contains__)
            if answer.redirect is not None:
                self._redirect(entry, answer.redirect)
            elif answer.status >= 300:
                raise FetchError(f"HTTP {answer.status}")
            else:
                await self._keep(entry, answer)
        except FetchError as error:
            self._frontier.finish_failed(entry.url, str(error))

    def _redirect(self, entry: Entry, target: str) -> None:
        if not target or target not in self._scope:
            raise FetchError(f"redirects out of the site, to {target or 'no http or https URL'}")
        if entry.turn >= MOST_REDIRECTS:
            raise FetchError(f"more than {MOST_REDIRECTS} redirects")
        self._frontier.finish_redirect(entry, target)

    async def _keep(self, entry: Entry, answer: Answer) -> None:
        html, final_url = decode(answer.body, answer.content_type), entry.url
        tree = parse(html)
        if tree is None or (not answer.content_type and b"<" not in answer.body[:1000]):
            raise FetchError("it is empty or no HTML")
        rendered, reservation = None, None
        if self._renderer.wants(tree):
            try:
                rendered = await self._renderer.render(entry.url)
            except RenderError as error:
                reservation = f"kept as it came, for Chromium could not render it: {error}"
        if rendered:
            html, final_url = rendered.html, normalise(rendered.url) or entry.url
            tree = parse(html)
        found = links(tree, final_url) if tree is not None else set()
        page = Page(
            url=entry.url,
            final_url=final_url,
            status=answer.status,
            fetched_at=now(),
            content_type=answer.content_type,
            content_hash=hashlib.sha256(html.encode()).hexdigest(),
            etag=answer.etag,
            rendered=rendered is not None,
            depth=entry.depth,
            html=html,
        )
        deeper = entry.depth < self._settings.max_depth
        inside = [link for link in found if link in self._scope] if deeper else []
        self._frontier.finish_page(page, inside, reservation)
