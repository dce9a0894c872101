"""Rendering as `website.render` asks for it: never, where a page needs it, or always."""

from typing import Any

from onbrand.config import Website
from onbrand.console import notes
from onbrand.errors import OnbrandError
from scraper.website.browser import Browsers, Rendered, RenderError
from scraper.website.chromium import HOW_TO_INSTALL, BrowserUnavailableError, find_chromium
from scraper.website.document import needs_javascript
from scraper.website.fetch import FetchError
from scraper.website.robots import Robots
from scraper.website.scope import Addresses, Scope
from scraper.website.url import normalise

# What a page may load from public hosts beyond its site: many keep their scripts on a CDN.
_FOREIGN_KINDS = frozenset({"Script", "Stylesheet", "XHR", "Fetch"})


class Renderer:
    """Chromium, if the settings want it and the machine has it."""

    def __init__(
        self, settings: Website, scope: Scope, addresses: Addresses, robots: Robots
    ) -> None:
        """Find Chromium; it is started when the first page needs it.

        Raises:
            OnbrandError: `render = "always"`, and there is none.
        """
        self._mode = settings.render
        self._scope, self._addresses, self._robots = scope, addresses, robots
        self._browsers: Browsers | None = None
        self._missing = "Chromium is not installed"
        if self._mode != "never" and (executable := find_chromium()):
            self._browsers = Browsers(
                executable,
                settings.concurrency,
                settings.user_agent,
                settings.timeout_seconds,
                self._may_load,
            )
        elif self._mode == "always":
            raise self._demanded_but_missing()

    def wants(self, tree: Any) -> bool:
        """Whether a page, given by its element tree, is to be rendered."""
        return self._mode == "always" or (self._mode == "auto" and needs_javascript(tree))

    async def render(self, url: str) -> Rendered | None:
        """The rendered page; None where `auto` has to do without Chromium, which is said once.

        Raises:
            RenderError: Chromium could not make anything of the page.
            OnbrandError: `render = "always"`, and Chromium does not start.
        """
        if self._browsers:
            try:
                return await self._browsers.render(url)
            except BrowserUnavailableError as error:
                self._missing = str(error)
        if self._mode == "always":
            raise self._demanded_but_missing()
        if self._browsers or self._missing:
            notes.print(
                f"{self._missing}: pages whose text is written by JavaScript stay as they came, "
                f"{url} for one. Install it ({HOW_TO_INSTALL}), then repeat with --force."
            )
        await self.close()
        self._browsers, self._missing = None, ""
        return None

    async def close(self) -> None:
        """End Chromium."""
        if self._browsers:
            await self._browsers.close()

    def _demanded_but_missing(self) -> OnbrandError:
        return OnbrandError(
            f'website.render = "always" needs Chromium: {self._missing}; '
            f'install it ({HOW_TO_INSTALL}), or set render to "auto".'
        )

    async def _may_load(self, raw_url: str, kind: str) -> bool:
        """Documents come from the site alone, and nothing from what its robots.txt disallows."""
        if raw_url.startswith(("data:", "blob:", "about:")):
            return True
        url = normalise(raw_url)
        if url is None:
            return False
        if url in self._scope:
            try:
                return await self._addresses.may_ask(url) and await self._robots.allows(url)
            except FetchError:
                return False
        return kind in _FOREIGN_KINDS and await self._addresses.is_public(url)


__all__ = ["RenderError", "Renderer"]
