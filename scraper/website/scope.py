"""What belongs to the site, and which addresses are never asked."""

import socket
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from tldextract import TLDExtract

from onbrand.host_addresses import is_private, look_up
from scraper.website.url import host_of

# The snapshot of the public suffix list that the library carries: nothing is downloaded. With the
# private part of the list brand.github.io and brand.myshopify.com are sites of their own.
_split_domain = TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class PrivateAddressError(OSError):
    """A host name that resolves to an address the crawl keeps off."""


class Scope:
    """The registrable domains of the start URLs; an IP address or a bare name: host and port."""

    def __init__(self, start_urls: Iterable[str]) -> None:
        self._sites = {site_of(url) for url in start_urls}

    def __contains__(self, url: str) -> bool:
        """Whether a normalised URL belongs to the site."""
        return site_of(url) in self._sites


def site_of(url: str) -> str:
    """`example.co.uk` for any of its hosts; `127.0.0.1:8000` where there is no such domain."""
    parts = urlsplit(url)
    return _site(parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme])


@lru_cache(10_000)
def _site(host: str, port: int) -> str:
    parts = _split_domain(host)
    if parts.domain and parts.suffix:
        return f"{parts.domain}.{parts.suffix}"
    return f"{host}:{port}"


class Addresses:
    """Keeps the crawl off private, loopback and link-local addresses that a page may point to.

    Where a start URL itself has such an address (a demo, an intranet), they are allowed.
    """

    def __init__(self, start_urls: Iterable[str]) -> None:
        self._start_hosts = sorted({host_of(url) for url in start_urls})
        self._private: dict[str, bool] = {}

    async def may_ask(self, url: str) -> bool:
        """Whether this URL's host may be asked at all."""
        return not await self._is_private(host_of(url)) or await self._takes_private()

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[str]:
        """Addresses to connect to, each of which has been checked.

        A name that resolves to something public for the check and to something private for the
        connection (DNS rebinding) gets nowhere as long as nothing else is connected to.

        Raises:
            OSError: the name is unknown.
            PrivateAddressError: one of its addresses is private, and that is not allowed.
        """
        found = await look_up(host, port, family)
        if any(map(is_private, found)) and not await self._takes_private():
            raise PrivateAddressError("its address is private")
        return found

    async def _takes_private(self) -> bool:
        """Whether a start URL was private when it was first looked up."""
        return any([await self._is_private(start) for start in self._start_hosts])

    async def _is_private(self, host: str) -> bool:
        if host not in self._private:
            try:
                self._private[host] = any(map(is_private, await look_up(host)))
            except (OSError, UnicodeError):
                # Unknown here: the request fails by itself, or a proxy knows the name.
                self._private[host] = False
        return self._private[host]
