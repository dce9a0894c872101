"""Fetches one page of the brand's site: its own hosts, public addresses, little time, few bytes."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from onbrand.errors import OnbrandError
from onbrand.host_addresses import is_private, look_up

SECONDS = 6.0
"""For the page, redirects and all."""
MOST_BYTES = 2_000_000
MOST_REDIRECTS = 3

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": "onbrand-bot/0.1", "Accept": "text/html, text/plain;q=0.9"}


@dataclass(frozen=True)
class Page:
    """The text of a page."""

    title: str
    text: str


class _PrivateAddressError(OSError):
    """A name that leads to an address which is no public host."""


async def fetch_page(url: str, is_own: Callable[[str], bool], start_urls: Iterable[str]) -> Page:
    """The main text of a page, fetched now.

    Args:
        url: The page.
        is_own: Whether a URL is on one of the brand's hosts; redirects to others are not followed.
        start_urls: Where one of these has a private address itself (a demo, an intranet), private
            addresses are allowed.

    Raises:
        OnbrandError: it cannot be had; a sentence for the person.
    """
    resolver = _PublicResolver(start_urls)
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True)
    try:
        async with (
            asyncio.timeout(SECONDS),
            aiohttp.ClientSession(
                connector=connector, headers=_HEADERS, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
        ):
            html = await _follow(session, url, is_own, resolver)
        return await asyncio.to_thread(_main_text, html, url)
    except TimeoutError as error:
        raise OnbrandError(f"I did not read {url}: it took too long.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise OnbrandError(f"I did not read {url}: it cannot be reached.") from error


async def _follow(
    session: aiohttp.ClientSession,
    url: str,
    is_own: Callable[[str], bool],
    resolver: "_PublicResolver",
) -> str:
    """The body of a page, after redirects on the brand's own hosts."""
    here = url
    for _ in range(MOST_REDIRECTS + 1):
        # An address in the URL itself is never looked up, so it is checked here.
        await resolver.check(urlsplit(here).hostname or "")
        async with session.get(here, allow_redirects=False) as response:
            if response.status in _REDIRECTS:
                here = urljoin(here, response.headers.get("Location", ""))
                if not is_own(here):
                    raise OnbrandError(f"I did not read {url}: it leads to another site.")
                continue
            return await _body(response, url)
    raise OnbrandError(f"I did not read {url}: it is redirected too often.")


async def _body(response: aiohttp.ClientResponse, url: str) -> str:
    if response.status != 200:
        raise OnbrandError(f"I did not read {url}: the site answered {response.status}.")
    if response.content_type not in ("text/html", "application/xhtml+xml", "text/plain"):
        raise OnbrandError(f"I did not read {url}: it is no page with text.")
    body = bytearray()
    async for piece in response.content.iter_chunked(65_536):
        body += piece
        if len(body) > MOST_BYTES:
            raise OnbrandError(f"I did not read {url}: it is too large.")
    try:
        return body.decode(response.charset or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _main_text(html: str, url: str) -> Page:
    from trafilatura import bare_extraction  # takes its time to load, and is seldom needed

    found = bare_extraction(html, url=url, include_comments=False, with_metadata=True)
    text = str(getattr(found, "text", "") or "")
    if not text.strip():
        raise OnbrandError(f"I did not read {url}: I found no text in it.")
    return Page(str(getattr(found, "title", "") or ""), text)


class _PublicResolver(AbstractResolver):
    """Looks names up and connects to nothing else than what was checked."""

    def __init__(self, start_urls: Iterable[str]) -> None:
        self._start_hosts = {urlsplit(url).hostname or "" for url in start_urls}

    async def check(self, host: str) -> None:
        """Raises an OSError for a host whose address is not allowed."""
        await self.resolve(host)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await look_up(host, port, family)
        if any(map(is_private, addresses)) and not await self._takes_private():
            raise _PrivateAddressError(f"{host} has a private address")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in addresses
        ]  # fmt: skip

    async def close(self) -> None:
        pass

    async def _takes_private(self) -> bool:
        """Whether a start URL's own host has a private address."""
        for host in self._start_hosts:
            try:
                if any(map(is_private, await look_up(host))):
                    return True
            except OSError:
                continue
        return False
