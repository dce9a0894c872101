"""A site that does its worst: the crawl ends, says what failed and why, misses nothing, asks for
nothing it may not have."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from onbrand.config import Website
from scraper.raw import Failed, Page, read_raw
from scraper.website.crawl import crawl
from scraper.website.soft_404 import impossible_url
from tests.scraper.website.hostile_answers import TOO_LONG
from tests.scraper.website.hostile_site import HostileSite
from tests.scraper.website.rendering import needs_chromium
from tests.scraper.website.site import serve

pytestmark = pytest.mark.slow


@pytest.fixture
def sites() -> Iterator[tuple[HostileSite, HostileSite]]:
    """The hostile site, and another server on loopback, which nothing may ask."""
    with HostileSite() as site, HostileSite() as elsewhere:
        site.fill(elsewhere.url)
        for server in (site, elsewhere):
            serve(server)
        yield site, elsewhere
        for server in (site, elsewhere):
            server.shutdown()


@needs_chromium
def test_crawl_of_a_hostile_site(sites: tuple[HostileSite, HostileSite], tmp_path: Path) -> None:
    site, elsewhere = sites
    settings = Website(
        start_urls=[site.url], timeout_seconds=30, concurrency=8, max_pages=1000, max_depth=100
    )
    assert settings.timeout_seconds < TOO_LONG
    started = time.monotonic()
    asyncio.run(crawl(settings, tmp_path))
    assert time.monotonic() - started < 120

    kept = list(read_raw(tmp_path / "pages.jsonl.gz", Page))
    pages = {page.url.removeprefix(site.url): " ".join(page.html.split()) for page in kept}
    reasons = {
        failed.locator.removeprefix(site.url): failed.reason
        for failed in read_raw(tmp_path / "website-failed.jsonl", Failed)
    }
    known = {alias.removeprefix(site.url) for page in kept for alias in page.aliases}

    # Nothing allowed is missed.
    found = {path: html for path, html in pages.items() if path in site.kept}
    assert {path: reasons.get(path) for path in site.kept.keys() - found.keys() - known} == {}
    assert {path: html for path, html in found.items() if site.kept[path] not in html} == {}

    # Each failure is named with its reason, and nothing else is.
    named = {path: reasons.get(path) for path in site.failed}
    wrong = {
        path: reason
        for path, reason in named.items()
        if reason is None or not reason.startswith(site.failed[path])
    }
    assert wrong == {}
    surplus = reasons.keys() - site.failed.keys()
    assert {p: reasons[p] for p in surplus if not p.startswith("/calendar")} == {}

    # The endless calendar ends, and the report says so.
    assert sum(path.startswith("/calendar") for path in site.asked) < 50
    assert surplus

    # Nothing disallowed is fetched, by Chromium either.
    assert elsewhere.asked == []
    assert elsewhere.connections == 0
    assert [p for p in site.asked if p.startswith("/private") or "?secret" in p] == []
    probe = impossible_url(site.url).removeprefix(site.url)
    assert site.times[probe] == 1
