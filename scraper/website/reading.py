"""A page as it is to be kept: parsed whole, and rendered where its scripts write it."""

from dataclasses import dataclass, replace
from typing import Any

from scraper.website.browser import Document
from scraper.website.document import lacks_text, readable
from scraper.website.fetch import FetchError
from scraper.website.render import Renderer, RenderError
from scraper.website.url import normalise


@dataclass(frozen=True)
class Reading:
    """What a page shows in the end."""

    html: str
    tree: Any
    url: str
    """Where its scripts have led; else where it was found."""
    is_rendered: bool = False
    reservation: str | None = None
    """What is less than good about it."""


def as_it_came(url: str, html: str) -> Reading:
    """The page without rendering.

    Raises:
        FetchError: there is nothing in it.
    """
    html, tree = readable(html)
    if tree is None:
        raise FetchError("it is empty or no HTML")
    return Reading(html, tree, url)


class Reader:
    """Reads pages from their HTML."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    async def read(self, url: str, html: str) -> Reading:
        """The page, rendered if need be; as it came where Chromium cannot make anything of it.

        Raises:
            FetchError: there is nothing in it.
        """
        plain = as_it_came(url, html)
        if not self._renderer.wants(plain.tree):
            return plain
        try:
            rendered = await self._renderer.render(Document(url, html))
        except RenderError as error:
            reason = f"kept as it came, for Chromium could not render it: {error}"
            return replace(plain, reservation=reason)
        shown = as_it_came(normalise(rendered.url) or url, rendered.html)
        reservation = self._renderer.shortage(rendered) if lacks_text(shown.tree) else None
        return replace(shown, is_rendered=True, reservation=reservation)
