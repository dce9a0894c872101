import gzip
from pathlib import Path

import pytest

from scraper.website.fetch import FetchError
from scraper.website.sitemap import read_sitemap
from tests.scraper.website.crawling import failed, pages, run, settings
from tests.scraper.website.site import Site, answer, page, redirect

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


def test_disallowed_sitemaps_are_not_asked_for(site: Site, tmp_path: Path) -> None:
    """What robots.txt names is offered, wherever it lies; a guess and an index's entry are not."""
    robots = f"User-agent: *\nDisallow: /private/\nDisallow: /sitemap.xml\nSitemap: {site.url}"
    entries = "".join(
        f"<sitemap><loc>{site.url}/{name}</loc></sitemap>"
        for name in ("private/map.xml", "map.xml", "moved.xml")
    )
    index = f"<sitemapindex>{entries}</sitemapindex>"
    listed = f"<urlset><url><loc>{site.url}/listed</loc></url></urlset>"
    site.pages = {
        "/": page("Home", ""),
        "/listed": page("Listed", ""),
        "/robots.txt": answer(200, f"{robots}/private/index.xml\n".encode(), "text/plain"),
        "/private/index.xml": answer(200, index.encode(), "application/xml"),
        "/map.xml": answer(200, listed.encode(), "application/xml"),
        "/moved.xml": redirect("/private/moved.xml"),
    }
    run(tmp_path, settings(site))
    assert list(pages(tmp_path)) == [f"{site.url}/", f"{site.url}/listed"]
    asked = ["/", "/listed", "/map.xml", "/moved.xml", "/private/index.xml", "/robots.txt"]
    assert sorted(site.asked) == asked
    assert failed(tmp_path) == {
        f"{site.url}/moved.xml": "sitemap: redirects to what robots.txt disallows",
        f"{site.url}/private/map.xml": "sitemap: robots.txt disallows it",
    }
