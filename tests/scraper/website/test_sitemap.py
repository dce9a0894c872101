import gzip

import pytest

from scraper.website.fetch import FetchError
from scraper.website.sitemap import read_sitemap

URLSET = """<?xml version="1.0"?>
<!DOCTYPE urlset [<!ENTITY file SYSTEM "file:///etc/passwd"><!ENTITY a "aaaaaaaaaa">]>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> https://example.com/a </loc></url>
<url><loc>https://example.com/&file;&a;</loc></url>
<url><loc>not a url</loc></url></urlset>"""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_pages(pack: type[bytes]) -> None:
    pages, sitemaps = read_sitemap(pack(URLSET.encode()))
    assert pages == ["https://example.com/a", "https://example.com/"]  # no entity is expanded
    assert sitemaps == []


def test_index() -> None:
    xml = b"<sitemapindex><sitemap><loc>https://example.com/s.xml</loc></sitemap></sitemapindex>"
    assert read_sitemap(xml) == ([], ["https://example.com/s.xml"])


@pytest.mark.parametrize("body", [b"", b"<html><body>no</body></html>", b"\x1f\x8bbroken", b"text"])
def test_no_sitemap(body: bytes) -> None:
    with pytest.raises(FetchError):
        read_sitemap(body)


def test_bomb() -> None:
    with pytest.raises(FetchError, match="larger than 50 MB"):
        read_sitemap(gzip.compress(b"<urlset>" + b" " * 60_000_000, 1))
