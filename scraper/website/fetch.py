"""One GET, politely: paced, bounded in time and size, tried again where that can help."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from socket import gaierror

import httpx

from onbrand.config import Website
from scraper.website.scope import Addresses
from scraper.website.url import host_of, normalise

LARGEST_BODY = 10_000_000
"""Bytes after decompression; a larger body is not read further."""
RETRIES = 3
BACKOFF_SECONDS = 0.5
"""Before the first retry; doubled for each further one."""
LONGEST_RETRY_AFTER = 60.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class FetchError(Exception):
    """The reason why a URL gave nothing, in words that follow its name and a colon."""


@dataclass(frozen=True)
class Answer:
    """What a server said; `body` is empty for a redirect and for an error status."""

    status: int
    content_type: str
    """The whole header, parameters included."""
    etag: str = ""
    redirect: str | None = None
    """Absolute URL of a redirect, normalised; empty where it leads to no http or https URL."""
    body: bytes = b""


class Pace:
    """Spreads the requests to a host: a pause after each, a longer one where the host asks."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay = delay_seconds
        self._delays: dict[str, float] = {}
        self._free_at: dict[str, float] = {}

    def slow_down(self, host: str, delay_seconds: float) -> None:
        """Use at least this pause for the host from now on."""
        self._delays[host] = max(delay_seconds, self._delay)

    def hold(self, host: str, seconds: float) -> None:
        """Send the host nothing for so long."""
        self._free_at[host] = max(self._free_at.get(host, 0.0), time.monotonic() + seconds)

    async def turn(self, host: str) -> None:
        """Wait until a request may go to the host."""
        while (wait := self._free_at.get(host, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        self.hold(host, self._delays.get(host, self._delay))


class Fetcher:
    """Plain HTTP for pages, robots.txt and sitemaps. Keeps no cookies: each answer stands alone."""

    def __init__(self, settings: Website, addresses: Addresses) -> None:
        self.pace = Pace(settings.delay_seconds)
        self._timeout = settings.timeout_seconds
        self._addresses = addresses
        self._client = httpx.AsyncClient(
            headers={"User-Agent": settings.user_agent, "Accept": "text/html,*/*;q=0.5"},
            timeout=httpx.Timeout(settings.timeout_seconds, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            mounts=dict.fromkeys(_LOOPBACK),  # a proxy of the environment is not for these
        )
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(self, url: str, *, wanted: Callable[[str], bool] = lambda _: True) -> Answer:
        """Answer to a GET; the body is read only where `wanted` takes the media type.

        Redirects are handed back, not followed. 429, 5xx and broken connections are tried again
        three times, waiting as long as Retry-After says (60 s at most).

        Raises:
            FetchError: no answer in time, no connection, a body too large or of another type,
                a 429 or 5xx to the last.
        """
        if not await self._addresses.may_ask(url):
            raise FetchError("its address is private")
        for attempt in range(RETRIES + 1):
            await self.pace.turn(host_of(url))
            backoff = BACKOFF_SECONDS * 2**attempt
            try:
                async with asyncio.timeout(self._timeout):
                    answer, retry_after = await self._ask(url, wanted)
            except (TimeoutError, httpx.TimeoutException) as error:
                raise FetchError(f"no answer within {self._timeout:g} s") from error
            except httpx.TransportError as error:
                reason = explain(error)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise FetchError(f"broken answer ({error})") from error
            else:
                if answer.status != 429 and answer.status < 500:
                    return answer
                reason = f"HTTP {answer.status}"
                if retry_after is not None:
                    backoff = min(retry_after, LONGEST_RETRY_AFTER)
                    self.pace.hold(host_of(url), backoff)
            if attempt < RETRIES:
                await asyncio.sleep(backoff)
        raise FetchError(reason)

    async def _ask(self, url: str, wanted: Callable[[str], bool]) -> tuple[Answer, float | None]:
        async with self._client.stream("GET", url) as response:
            content_type = response.headers.get("content-type", "")
            answer = Answer(response.status_code, content_type, response.headers.get("etag", ""))
            location = response.headers.get("location")
            if location and response.status_code in _REDIRECTS:
                target = normalise(str(response.url.join(location))) or ""
                return Answer(response.status_code, content_type, redirect=target), None
            if not response.is_success:
                return answer, _retry_after(response.headers.get("retry-after"))
            media_type = content_type.partition(";")[0].strip().lower()
            if not wanted(media_type):
                raise FetchError(f"{media_type} is not HTML")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise FetchError(f"larger than {LARGEST_BODY // 1_000_000} MB")
            return Answer(answer.status, content_type, answer.etag, body=bytes(body)), None

    async def get_file(self, url: str, inside: Callable[[str], bool], hops: int = 5) -> Answer:
        """Like `get` for robots.txt and sitemaps: redirects are followed while `inside` the site.

        Raises:
            FetchError: as `get`; a redirect out of the site; too many redirects.
        """
        for _ in range(hops + 1):
            answer = await self.get(url)
            if answer.redirect is None:
                return answer
            if not answer.redirect or not inside(answer.redirect):
                raise FetchError("redirects out of the site")
            url = answer.redirect
        raise FetchError(f"more than {hops} redirects")


def explain(error: BaseException) -> str:
    """Why a connection failed, in a few words, found in the chain of causes."""
    causes = list(_causes(error))
    for kind, words in (
        (gaierror, "its host name is not known (DNS)"),
        (ConnectionRefusedError, "connection refused"),
        (ssl.SSLCertVerificationError, "its TLS certificate is not valid"),
        (ssl.SSLError, "no TLS connection"),
        (httpx.ProxyError, f"the proxy refuses ({error})"),
        (httpx.ReadError | ConnectionResetError, "the connection broke off"),
        (httpx.RemoteProtocolError, "it does not answer in HTTP"),
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


def _retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header: a number, or a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
