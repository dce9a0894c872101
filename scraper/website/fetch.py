"""One GET, politely: paced, bounded in time and size, tried again where that can help."""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from socket import gaierror
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from onbrand.config import Website
from scraper.website.connection import Proxies, open_session
from scraper.website.pace import LONGEST_REST, Pace
from scraper.website.scope import Addresses, PrivateAddressError
from scraper.website.url import host_of, normalise

MEGABYTE = 1_000_000
RETRIES = 3
BACKOFF_SECONDS = 0.5
"""Before the first retry; doubled for each further one."""
MOST_REFUSALS = 5
"""So often is a URL asked for again that is put off with 429, or with 5xx and Retry-After."""
MOST_REDIRECTS = 10
"""So many are followed, one after the other, by those who follow them."""
LOST_AFTER = 10
"""URLs in a row for which a host gives no connection, or puts off every request; then it is asked
no more in this run."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CANONICAL = re.compile(r"<([^<>]*)>\s*;[^,<]*\brel\s*=\s*\"?[^\",;]*\bcanonical\b", re.IGNORECASE)


class FetchError(Exception):
    """The reason why a URL gave nothing, in words that follow its name and a colon."""

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing
        """It may be gone in a later run."""


class _NoConnectionError(Exception):
    """No connection, or one that broke off, in words."""


@dataclass(frozen=True)
class Validators:
    """What an earlier answer was marked with: sent along, they save the transfer of the same."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        """The conditional request (RFC 9110, 13.1)."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Answer:
    """What a server said; `body` is empty for a redirect, for 304 and for an error status."""

    status: int
    content_type: str
    """The whole header, parameters included."""
    etag: str = ""
    last_modified: str = ""
    canonical: str = ""
    """Absolute URL of a canonical link in the headers, normalised."""
    redirect: str | None = None
    """Absolute URL of a redirect, normalised; empty where it leads to no http or https URL."""
    body: bytes = b""


class Fetcher:
    """Plain HTTP for pages, robots.txt and sitemaps. Keeps no cookies: each answer stands alone.

    To be made within the running loop.
    """

    def __init__(self, settings: Website, addresses: Addresses) -> None:
        self.pace = Pace(settings.delay_seconds, settings.host_concurrency)
        self.largest = int(settings.max_page_mb * MEGABYTE)
        """Bytes of a page after decompression; a larger one is not read further."""
        self._timeout = settings.timeout_seconds
        self._addresses = addresses
        self._proxies = Proxies()
        headers = {"User-Agent": settings.user_agent, "Accept": "text/html,*/*;q=0.5"}
        self._session = open_session(addresses, headers, self._proxies)
        self._in_vain: Counter[str] = Counter()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get(
        self,
        url: str,
        *,
        wanted: Callable[[str], bool] = lambda _: True,
        known: Validators | None = None,
        largest: int | None = None,
    ) -> Answer:
        """Answer to a GET; the body is read only where `wanted` takes the media type.

        Redirects are handed back, not followed. 5xx and broken connections are tried again three
        times. 429, and 5xx with Retry-After, hold up the whole host for as long as it asks, and
        not less than a backoff. With `known`, the answer is 304 without a body where nothing has
        changed.

        Raises:
            FetchError: no answer in time, no connection, a body too large or of another type,
                a 429 or 5xx to the last; the host asks for a rest of more than five minutes.
        """
        host = host_of(url)
        if not await self._addresses.may_ask(url):
            raise FetchError("its address is private")
        headers = known.headers() if known else {}
        failures = refusals = 0
        while True:
            self._refuse_lost_host(host)
            async with self.pace.turn(host):
                self._refuse_lost_host(host)
                try:
                    async with asyncio.timeout(self._timeout):
                        answer, rest = await self._ask(url, wanted, headers, largest)
                except TimeoutError as error:
                    reason = f"no answer within {self._timeout:g} s"
                    raise FetchError(reason, passing=True) from error
                except _NoConnectionError as error:
                    answer, rest, reason = None, None, str(error)
                if answer and answer.status not in {408, 429} and answer.status < 500:
                    self._in_vain[host] = 0
                    return answer
                backoff = BACKOFF_SECONDS * 2 ** (failures + refusals)
                if answer:
                    reason = f"HTTP {answer.status}"
                if rest is not None or (answer and answer.status == 429):
                    refusals += 1
                    self.pace.hold(host, max(backoff, rest or 0.0))
                    backoff = 0.0
                else:
                    failures += 1
            if failures > RETRIES or refusals > MOST_REFUSALS:
                self._in_vain[host] += answer is None or refusals > MOST_REFUSALS
                raise FetchError(reason, passing=True)
            await asyncio.sleep(backoff)

    def _refuse_lost_host(self, host: str) -> None:
        if (rest := self.pace.held_for(host)) > LONGEST_REST:
            raise FetchError(f"its host asks to be left alone for {rest:.0f} s", passing=True)
        if self._in_vain[host] >= LOST_AFTER:
            raise FetchError("its host has stopped answering", passing=True)

    async def _ask(
        self,
        url: str,
        wanted: Callable[[str], bool],
        headers: Mapping[str, str],
        largest: int | None,
    ) -> tuple[Answer, float | None]:
        """The answer, and the seconds it asks to wait."""
        try:
            async with self._session.get(
                URL(url, encoded=True),
                headers=headers,
                allow_redirects=False,
                proxy=self._proxies.proxy_for(url),
            ) as response:
                return await self._read(url, response, wanted, largest or self.largest)
        except aiohttp.ServerTimeoutError as error:
            raise TimeoutError from error
        except (aiohttp.ClientConnectionError, aiohttp.ClientHttpProxyError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _lost(error) from error
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
            raise _broken(error) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise FetchError(f"broken answer ({error})") from error

    async def _read(
        self,
        url: str,
        response: aiohttp.ClientResponse,
        wanted: Callable[[str], bool],
        largest: int,
    ) -> tuple[Answer, float | None]:
        status, headers = response.status, response.headers
        content_type = headers.get("Content-Type", "")
        location = headers.get("Location")
        if location and status in _REDIRECTS:
            return Answer(status, content_type, redirect=_joined(url, location)), None
        canonical = _CANONICAL.search(", ".join(headers.getall("Link", [])))
        answer = Answer(
            status,
            content_type,
            headers.get("ETag", ""),
            headers.get("Last-Modified", ""),
            _joined(url, canonical[1]) if canonical else "",
        )
        if not 200 <= status < 300:
            return answer, _retry_after(headers.get("Retry-After")) if status >= 400 else None
        media_type = content_type.partition(";")[0].strip().lower()
        if not wanted(media_type):
            raise FetchError(f"{media_type} is neither HTML nor PDF")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > largest:
                raise FetchError(f"larger than {largest / MEGABYTE:g} MB")
        return Answer(**{**vars(answer), "body": bytes(body)}), None


def _lost(error: BaseException) -> Exception:
    """What a failed connection means: worth another try, or final."""
    for cause in _causes(error):
        if isinstance(cause, PrivateAddressError):
            return FetchError(str(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            return FetchError("its TLS certificate is not valid")
    return _NoConnectionError(explain(error))


def _broken(error: aiohttp.ClientError) -> Exception:
    """What an answer that does not keep to HTTP means: cut off, which may heal, or nonsense."""
    if isinstance(error, aiohttp.ClientPayloadError):
        if "decompress" in str(error).lower() or "decod" in str(error).lower():
            return FetchError(f"broken answer ({error})")
        return _NoConnectionError("the connection broke off")
    return _NoConnectionError("it does not answer in HTTP")


def explain(error: BaseException) -> str:
    """Why a connection failed, in a few words, found in the chain of causes."""
    causes = list(_causes(error))
    for kind, words in (
        (gaierror, "its host name is not known (DNS)"),
        (ConnectionRefusedError, "connection refused"),
        (ssl.SSLError, "no TLS connection"),
        (aiohttp.ClientProxyConnectionError, f"the proxy refuses ({error})"),
        (aiohttp.ClientHttpProxyError, f"the proxy refuses ({error})"),
        (aiohttp.ServerDisconnectedError | ConnectionError, "the connection broke off"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return words
    return f"no connection ({error or type(error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _joined(url: str, target: str) -> str:
    try:
        return normalise(urljoin(url, target.strip())) or ""
    except ValueError:
        return ""


def _retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header: a number, or a date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
