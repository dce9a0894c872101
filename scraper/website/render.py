"""Rendering as `website.render` asks for it: never, where a page needs it, or always."""

from typing import Any
from urllib.parse import urlsplit

from onbrand.config import Website
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from scraper.website.browser import Access, Browser, Document, Rendered, RenderError
from scraper.website.chromium import HOW_TO_INSTALL, BrowserUnavailableError, find_chromium
from scraper.website.connection import Proxies
from scraper.website.document import needs_javascript
from scraper.website.fetch import FetchError
from scraper.website.pace import LONGEST_REST, Pace
from scraper.website.robots import Robots
from scraper.website.scope import Addresses
from scraper.website.selection import Selection
from scraper.website.url import host_of, normalise

# What a page may load from the hosts that `website.render_hosts` names.
_FOREIGN_KINDS = frozenset({"Script", "Stylesheet", "XHR", "Fetch"})


class Renderer:
    """Chromium, if the settings want it and the machine has it."""

    def __init__(
        self,
        settings: Website,
        selection: Selection,
        addresses: Addresses,
        robots: Robots,
        pace: Pace,
    ) -> None:
        """Find Chromium; it is started when the first page needs it.

        Raises:
            OnbrandError: `render = "always"`, and there is none.
            UsageError: `render_hosts` holds something that is no host name.
        """
        self._mode = settings.render
        self._selection, self._addresses = selection, addresses
        self._robots, self._pace = robots, pace
        self._proxies = Proxies()
        self._hosts = {_host(entry) for entry in settings.render_hosts}
        self._lamented: set[str] = set()
        self._has_said = False
        self._browser: Browser | None = None
        self._missing = "Chromium is not installed"
        if self._mode != "never" and (executable := find_chromium()):
            self._browser = Browser(
                executable,
                settings.concurrency,
                settings.user_agent,
                settings.timeout_seconds,
                Access(self._may_load, self._may_answer),
            )
        elif self._mode == "always":
            raise self._demanded_but_missing()

    def wants(self, tree: Any) -> bool:
        """Whether a page, given by its element tree, is to be rendered."""
        return self._mode == "always" or (self._mode == "auto" and needs_javascript(tree))

    async def render(self, document: Document) -> Rendered:
        """The rendered page. That `auto` has to do without Chromium is said once.

        Raises:
            RenderError: Chromium could not make anything of the page, or is missing.
            OnbrandError: `render = "always"`, and Chromium does not start.
        """
        if self._browser:
            await self._wait_for_turn(host_of(document.url))
            try:
                return await self._browser.render(document)
            except BrowserUnavailableError as error:
                self._missing = str(error)
        if self._mode == "always":
            raise self._demanded_but_missing()
        if not self._has_said:
            self._has_said = True
            notes.print(
                f"{self._missing}: pages whose text is written by JavaScript stay as they came, "
                f"{document.url} for one. Install it ({HOW_TO_INSTALL}), then repeat with --force."
            )
        raise RenderError(self._missing)

    async def _wait_for_turn(self, host: str) -> None:
        """All that a page loads counts as one request: a browser's visitor asks no slower."""
        if self._pace.held_for(host) > LONGEST_REST:
            raise RenderError("its host asks to be left alone")
        async with self._pace.turn(host):
            pass

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
        outside = (url for url in urls if not self._selection.is_inside(url))
        foreign = sorted({urlsplit(url).netloc for url in outside})
        reasons = []
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
            reasons.append(f"website.render_hosts does not name {names}")
        elif urls:
            reasons.append(f"its scripts may not load {urls[0]}")
        if rendered.cut_short_after:
            reasons.append(f"it was still loading after {rendered.cut_short_after:.0f} s")
        return f"its text may be missing: {'; '.join(reasons)}" if reasons else None

    async def _may_load(self, raw_url: str, kind: str) -> bool:
        """Everything comes from the site, within its robots.txt; some from hosts that are named.

        A script leads to another document of the site only where a redirect might.
        """
        if raw_url.startswith(("data:", "blob:", "about:")):
            return True
        url = normalise(raw_url)
        if url is None or not await self._addresses.may_ask(url):
            return False
        if self._selection.is_inside(url):
            if kind == "Document" and self._selection.objection(url):
                return False
            try:
                return await self._robots.allows(url)
            except FetchError:
                return False
        return kind in _FOREIGN_KINDS and not self._hosts.isdisjoint(
            (host_of(url), urlsplit(url).netloc)
        )

    async def _may_answer(self, url: str, address: str) -> bool:
        """Chromium looks names up anew, and may get another address than `_may_load` has seen."""
        if self._proxies.proxy_for(url):
            return True  # the address is the proxy's, which is the user's own choice
        return await self._addresses.may_ask(f"http://{_bracketed(address)}")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


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
