"""Links to the brand's own pages in a question, and the text of those pages."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from bots.conversation.page_fetch import fetch_page
from onbrand.json_lines import read_json_lines
from onbrand.record import Record

MOST_PAGES = 3
"""Pages read for one question."""

_URL = re.compile(r"https?://[^\s<>\"'`|\\^{}]+", re.IGNORECASE)
_CLOSING = {")": "(", "]": "["}
_TRACKING = re.compile(r"utm_|fbclid$|gclid$|igshid$|msclkid$|mc_[ce]id$", re.IGNORECASE)


@dataclass(frozen=True)
class OwnPage:
    """A page that was linked to."""

    url: str
    title: str
    text: str


class OwnSite:
    """The brand's hosts, as `[website] start_urls` names them, with and without `www.`.

    Args:
        start_urls: From `brand.toml`.
        records: The workspace's `records.jsonl`; need not be there.
    """

    def __init__(self, start_urls: Iterable[str], records: Path) -> None:
        self._start_urls = [url for url in start_urls if _host(url)]
        self._hosts = {_bare(_host(url)) for url in self._start_urls}
        self._records = records

    def __contains__(self, url: str) -> bool:
        """Whether a URL is on one of the brand's hosts."""
        return _bare(_host(url)) in self._hosts

    def links_in(self, text: str) -> list[str]:
        """The brand's pages that a text links to, each once, in its order."""
        found = dict.fromkeys(_trimmed(match.group()) for match in _URL.finditer(text))
        return [url for url in found if url in self][:MOST_PAGES]

    async def read(self, url: str) -> OwnPage:
        """A page: as it was scraped, else fetched now.

        Raises:
            OnbrandError: it cannot be had; a sentence for the person.
        """
        page = await asyncio.to_thread(self._recorded, url)
        return page or await self._fetched(url)

    def _recorded(self, url: str) -> OwnPage | None:
        """The page as the data set has it."""
        wanted, path = _spelling(url), urlsplit(url).path.rstrip("/")
        if not self._records.is_file():
            return None
        # Only lines with the last piece of the path are parsed; it may be spelled with escapes.
        piece = path.rpartition("/")[2]
        containing = piece if piece.isascii() and "%" not in piece else ""
        records = read_json_lines(
            self._records, Record, "a record", "run `onbrand build --force`", containing=containing
        )
        for record in records:
            if record.source == "website" and _spelling(record.url) == wanted:
                return OwnPage(url, record.title, record.text)
        return None

    async def _fetched(self, url: str) -> OwnPage:
        page = await fetch_page(url, self.__contains__, self._start_urls)
        return OwnPage(url, page.title, page.text)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    # A login before the host is somebody's way of making one site look like another.
    if parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc:
        return ""
    return f"{host}:{port}" if port and port not in (80, 443) else host


def _bare(host: str) -> str:
    return host.removeprefix("www.")


def _trimmed(url: str) -> str:
    """A URL without the punctuation that ends a sentence or a Markdown link around it."""
    while url:
        last = url[-1]
        unmatched = last in _CLOSING and url.count(last) > url.count(_CLOSING[last])
        if not (unmatched or last in ".,;:!?*_~…"):
            break
        url = url[:-1]
    return url


def _spelling(url: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """What two spellings of a page's URL share."""
    parts = urlsplit(url)
    query = sorted(pair for pair in parse_qsl(parts.query) if not _TRACKING.match(pair[0]))
    return _bare(_host(url)), unquote(parts.path).rstrip("/"), tuple(query)
