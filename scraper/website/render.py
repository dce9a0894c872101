"""Rendering as `website.render` asks for it: never, where a page needs it, or always."""

from typing import Any
from urllib.parse import urlsplit

from onbrand.config import Website
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from scraper.website.browser import Browser, Document, Rendered, RenderError
from scraper.website.chromium import HOW_TO_INSTALL, BrowserUnavailableError, find_chromium
from scraper.website.document import needs_javascript
from scraper.website.fetch import FetchError
from scraper.website.robots import Robots
from scraper.website.scope import Addresses, Scope
from scraper.website.url import host_of, normalise

# What a page may load from the hosts that `website.render_hosts` names.
_FOREIGN_KINDS = frozenset({"Script", "Stylesheet", "XHR", "Fetch"})


class Renderer:
    """Chromium, if the settings want it and the machine has it."""

    def __init__(
        self, settings: Website, scope: Scope, addresses: Addresses, robots: Robots
    ) -> None:
        """Find Chromium; it is started when the first page needs it.

        Raises:
            OnbrandError: `render = "always"`, and there is none.
            UsageError: `render_hosts` holds something that is no host name.
        """
        self._mode = settings.render
        self._scope, self._addresses, self._robots = scope, addresses, robots
        self._hosts = {_host(entry) for entry in settings.render_hosts}
        self._lamented: set[str] = set()
        self._browser: Browser | None = None
        self._missing = "Chromium is not installed"
        if self._mode != "never" and (executable := find_chromium()):
            self._browser = Browser(
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

    async def render(self, document: Document) -> Rendered | None:
        """The rendered page; None where `auto` has to do without Chromium, which is said once.

        Raises:
            RenderError: Chromium could not make anything of the page.
            OnbrandError: `render = "always"`, and Chromium does not start.
        """
        if self._browser:
            try:
                return await self._browser.render(document)
            except BrowserUnavailableError as error:
                self._missing = str(error)
        if self._mode == "always":
            raise self._demanded_but_missing()
        if self._browser or self._missing:
            notes.print(
                f"{self._missing}: pages whose text is written by JavaScript stay as they came, "
                f"{document.url} for one. Install it ({HOW_TO_INSTALL}), then repeat with --force."
            )
        await self.close()
        self._browser, self._missing = None, ""
        return None

    async def close(self) -> None:
        """End Chromium."""
        if self._browser:
            await self._browser.close()

    def _demanded_but_missing(self) -> OnbrandError:
        return OnbrandError(
            f'website.render = "always" needs Chromium: {self._missing}; '
            f'install it ({HOW_TO_INSTALL}), or set render to "auto".'
        )

    def shortage(self, rendered: Rendered) -> str | None:
        """Why a page that shows hardly any text may be short of it; None: nothing is known.

        Hosts outside the site are also named once on the terminal.
        """
        urls = [url for url in map(normalise, sorted(rendered.refused)) if url]
        foreign = sorted({urlsplit(url).netloc for url in urls if url not in self._scope})
        if foreign:
            names = ", ".join(foreign)
            if new := [host for host in foreign if host not in self._lamented]:
                self._lamented.update(new)
                notes.print(
                    f"{rendered.url} stays without much text; its scripts wanted something from "
                    f"{', '.join(new)}. If the brand's text is there, add it to "
                    "website.render_hosts.",
                    markup=False,
                )
            return f"its text may be missing: website.render_hosts does not name {names}"
        if urls:
            return f"its text may be missing: its scripts may not load {urls[0]}"
        return None

    async def _may_load(self, raw_url: str, kind: str) -> bool:
        """Everything comes from the site, within its robots.txt; some from hosts that are named."""
        if raw_url.startswith(("data:", "blob:", "about:")):
            return True
        url = normalise(raw_url)
        if url is None or not await self._addresses.may_ask(url):
            return False
        if url in self._scope:
            try:
                return await self._robots.allows(url)
            except FetchError:
                return False
        return kind in _FOREIGN_KINDS and not self._hosts.isdisjoint(
            (host_of(url), urlsplit(url).netloc)
        )


def _host(entry: str) -> str:
    """A host of `website.render_hosts`, in the spelling of normalised URLs."""
    url = normalise(f"https://{entry.strip()}")
    if url is None or urlsplit(url).path != "/" or "?" in url or "*" in entry:
        raise UsageError(
            f"website.render_hosts in brand.toml: {entry} is no host name; "
            "write it like cdn.example.net."
        )
    return urlsplit(url).netloc


__all__ = ["RenderError", "Renderer"]
