"""One page, fetched as the crawl fetches: bounded in time and size, PDF read as HTML."""

from collections.abc import Callable

from onbrand.config import Website
from scraper.website.charset import decode
from scraper.website.document import HTML_TYPES
from scraper.website.fetch import MOST_REDIRECTS, Answer, Fetcher, FetchError
from scraper.website.pdf import PdfError, as_html, is_pdf, may_be_pdf, read_pdf
from scraper.website.scope import Addresses
from scraper.website.url import normalise


async def fetch_page(url: str) -> str:
    """The HTML at an address, after redirects; scripts do not run, and robots.txt is not asked:
    a person has named this one page.

    Raises:
        FetchError: there is no page, in words that follow the address and a colon.
    """
    start = normalise(url)
    if not start:
        raise FetchError("it is no http or https URL with a host")
    settings = Website(start_urls=[start])
    fetcher = Fetcher(settings, Addresses([start]))
    try:
        answer = await _answer(fetcher, start)
        return await html_of(answer.body, answer.content_type, start)
    finally:
        await fetcher.close()


async def html_of(content: bytes, content_type: str, url: str) -> str:
    """A page's bytes as HTML: decoded, or a PDF's text in paragraphs.

    Raises:
        FetchError: it is called a PDF and is none, or it cannot be read.
    """
    if is_pdf(content):
        try:
            return as_html(await read_pdf(content), url)
        except PdfError as error:
            raise FetchError(str(error)) from error
    if may_be_pdf(content_type.partition(";")[0].strip().lower(), url):
        raise FetchError("it is called a PDF and is none")
    return decode(content, content_type)


def readable_at(url: str) -> Callable[[str], bool]:
    """Whether an answer of a media type can be read: HTML and PDF."""
    return lambda media_type: media_type in HTML_TYPES or may_be_pdf(media_type, url)


async def _answer(fetcher: Fetcher, url: str) -> Answer:
    for _ in range(MOST_REDIRECTS + 1):
        answer = await fetcher.get(url, wanted=readable_at(url))
        if answer.redirect is None:
            if answer.status >= 300:
                raise FetchError(f"HTTP {answer.status}")
            return answer
        if not answer.redirect:
            raise FetchError("redirects to no http or https URL")
        url = answer.redirect
    raise FetchError(f"more than {MOST_REDIRECTS} redirects")
