"""The HTTP client under the crawl: it connects to checked addresses alone, and keeps no cookies."""

import socket
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult

from onbrand.host_addresses import look_up
from scraper.website.scope import Addresses
from scraper.website.url import host_of

LONGEST_HEADER = 65_536
"""Bytes of one header; content security policies grow large."""
MOST_HEADERS = 500
DNS_SECONDS = 300
"""How long an address that was looked up is used."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def open_session(
    addresses: Addresses, headers: dict[str, str], proxies: "Proxies"
) -> aiohttp.ClientSession:
    """A session whose every connection goes to an address that `addresses` has checked.

    To be called within the running loop. Time limits are the caller's.
    """
    connector = aiohttp.TCPConnector(
        limit=0,
        resolver=_CheckedResolver(addresses, proxies),
        ttl_dns_cache=DNS_SECONDS,
        ssl=_trusted(),
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
    )


class Proxies:
    """Proxies of the environment (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`)."""

    def __init__(self) -> None:
        proxies = getproxies()
        self._by_scheme = {
            scheme: proxy if "://" in proxy else f"http://{proxy}"
            for scheme, proxy in proxies.items()
            if scheme in {"http", "https", "all"}
        }
        self.hosts = {urlsplit(proxy).hostname for proxy in self._by_scheme.values()}

    def proxy_for(self, url: str) -> str | None:
        """The proxy a URL is to be fetched through; never one for this machine itself."""
        proxy = self._by_scheme.get(urlsplit(url).scheme) or self._by_scheme.get("all")
        host = host_of(url)
        if not proxy or host in _LOOPBACK or proxy_bypass(host):
            return None
        return proxy


class _CheckedResolver(AbstractResolver):
    """Looks a name up once for the check and the connection."""

    def __init__(self, addresses: Addresses, proxies: Proxies) -> None:
        self._addresses = addresses
        self._proxies = proxies

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        # A proxy is the user's own choice, and the names behind it are looked up there.
        resolve = look_up if host in self._proxies.hosts else self._addresses.resolve
        found = await resolve(host, port, family)
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=_family(address), proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]  # fmt: skip

    async def close(self) -> None:
        pass


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _trusted() -> ssl.SSLContext:
    """The system's certificates and certifi's: slim images have none, companies have their own."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
