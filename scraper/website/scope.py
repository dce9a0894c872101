"""What belongs to the site, and which addresses are never asked."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpx
from tldextract import TLDExtract

from scraper.website.url import host_of

# The snapshot of the public suffix list that the library carries: nothing is downloaded. With the
# private part of the list brand.github.io and brand.myshopify.com are sites of their own.
_split_domain = TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


class Scope:
    """The registrable domains of the start URLs; an IP address or a bare name: host and port."""

    def __init__(self, start_urls: Iterable[str]) -> None:
        self._sites = {site_of(url) for url in start_urls}

    def __contains__(self, url: str) -> bool:
        """Whether a normalised URL belongs to the site."""
        return site_of(url) in self._sites


def site_of(url: str) -> str:
    """`example.co.uk` for any of its hosts; `127.0.0.1:8000` where there is no such domain."""
    parsed = httpx.URL(url)
    parts = _split_domain(parsed.host)
    if parts.domain and parts.suffix:
        return f"{parts.domain}.{parts.suffix}"
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    return f"{parsed.host}:{port}"


class Addresses:
    """Keeps the crawl off private, loopback and link-local addresses that a page may point to.

    Where a start URL itself has such an address (a demo, an intranet), they are allowed.
    """

    def __init__(self, start_urls: Iterable[str]) -> None:
        self._start_hosts = {host_of(url) for url in start_urls}
        self._private: dict[str, bool] = {}

    async def may_ask(self, url: str) -> bool:
        """Whether this URL's host may be asked at all."""
        host = host_of(url)
        if host in self._start_hosts or not await self._is_private(host):
            return True
        return any([await self._is_private(start) for start in self._start_hosts])

    async def is_public(self, url: str) -> bool:
        """Whether this URL's host lies in the public network."""
        return not await self._is_private(host_of(url))

    async def _is_private(self, host: str) -> bool:
        if host not in self._private:
            self._private[host] = await _resolves_to_private(host)
        return self._private[host]


async def _resolves_to_private(host: str) -> bool:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False  # unknown here: the request fails by itself, or a proxy knows the name
    addresses = (str(entry[4][0]).partition("%")[0] for entry in found)
    return any(not ipaddress.ip_address(address).is_global for address in addresses)
