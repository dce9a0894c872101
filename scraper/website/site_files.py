"""robots.txt and sitemaps: fetched over redirects within the site, and only where they changed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from scraper.website.earlier import Earlier, KeptFile
from scraper.website.fetch import Answer, Fetcher, FetchError, Validators

MOST_REDIRECTS = 5
Allows = Callable[[str], Awaitable[bool]]


async def _everything(_: str) -> bool:
    """What robots.txt itself is fetched by."""
    return True


class SiteFiles:
    """Fetches a site's own files, and keeps those that can be asked for conditionally."""

    def __init__(self, fetcher: Fetcher, earlier: Earlier, inside: Callable[[str], bool]) -> None:
        self._fetcher = fetcher
        self._earlier = earlier
        self._inside = inside

    async def get(self, url: str, largest: int, allows: Allows = _everything) -> Answer:
        """The file, `largest` bytes at most, redirects followed while they stay inside the site.

        `allows` is asked about the target of a redirect.

        Raises:
            FetchError: as `Fetcher.get`; a redirect out of the site, or to where it may not go; too
                many redirects.
        """
        for _ in range(MOST_REDIRECTS + 1):
            kept = self._earlier.file(url)
            known = Validators(kept.etag, kept.last_modified) if kept else None
            answer = await self._fetcher.get(url, known=known, largest=largest)
            if kept and answer.status == 304:
                return replace(answer, status=200, body=kept.body)
            if answer.redirect is None:
                if answer.body and (answer.etag or answer.last_modified):
                    file = KeptFile(answer.etag, answer.last_modified, answer.body)
                    self._earlier.keep_file(url, file)
                return answer
            if not answer.redirect or not self._inside(answer.redirect):
                raise FetchError("redirects out of the site")
            if not await allows(answer.redirect):
                raise FetchError("redirects to what robots.txt disallows")
            url = answer.redirect
        raise FetchError(f"more than {MOST_REDIRECTS} redirects")
