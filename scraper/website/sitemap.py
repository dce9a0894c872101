"""Sitemaps: page addresses that a site lists itself (https://www.sitemaps.org/protocol.html)."""

import zlib
from collections.abc import Callable, Iterable

from lxml import etree

from scraper.website.fetch import FetchError
from scraper.website.site_files import Allows, SiteFiles
from scraper.website.url import normalise

MOST_FILES = 100
"""Sitemap files read at most, over all indexes."""
LARGEST = 50_000_000
"""Bytes after decompression; the protocol's own limit."""


async def listed_pages(
    files: SiteFiles,
    sitemaps: Iterable[str],
    inside: Callable[[str], bool],
    allows: Allows,
) -> tuple[set[str], dict[str, FetchError]]:
    """Pages that the sitemaps list, indexes followed; and the reason for each unreadable sitemap.

    A redirect or an index entry that leaves the site is not followed, nor is one that robots.txt
    disallows; `sitemaps` themselves may be asked for.
    """
    pages: set[str] = set()
    failed: dict[str, FetchError] = {}
    waiting = [url for url in dict.fromkeys(sitemaps) if inside(url)]
    given, seen = set(waiting), set(waiting)
    for count, url in enumerate(waiting):  # grows while it is read
        if count == MOST_FILES:
            failed[url] = FetchError(f"there are more than {MOST_FILES} of them")
            break
        try:
            if url not in given and not await allows(url):
                raise FetchError("robots.txt disallows it")
            answer = await files.get(url, LARGEST, allows)
            if answer.status != 200:
                raise FetchError(f"HTTP {answer.status}")
            listed, further = read_sitemap(answer.body)
        except FetchError as error:
            failed[url] = error
            continue
        pages.update(page for page in listed if inside(page))
        new = [sitemap for sitemap in further if inside(sitemap) and sitemap not in seen]
        seen.update(new)
        waiting += new
    return pages, failed


def read_sitemap(body: bytes) -> tuple[list[str], list[str]]:
    """Normalised URLs of the pages, and of the further sitemaps, that a sitemap names.

    Entities are not expanded and nothing is loaded from elsewhere.

    Raises:
        FetchError: not a sitemap.
    """
    try:
        root = etree.fromstring(
            _gunzip(body),
            etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True),
        )
    except (etree.XMLSyntaxError, zlib.error) as error:
        raise FetchError(f"not XML ({error})") from error
    kind = etree.QName(root).localname if root is not None else ""
    if kind not in {"urlset", "sitemapindex"}:
        raise FetchError("not a sitemap")
    found = (normalise(place.text or "") for place in root.iterfind("{*}*/{*}loc"))
    urls = [url for url in found if url]
    return (urls, []) if kind == "urlset" else ([], urls)


def _gunzip(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    unpacked = unpacker.decompress(body, LARGEST)
    if unpacker.unconsumed_tail:
        raise FetchError("larger than 50 MB")
    return unpacked
