"""Crawls of a test site, and what they leave."""

import asyncio
from pathlib import Path

from onbrand.config import Website
from scraper.raw import Failed, Page, read_raw
from scraper.website.crawl import CrawlResult, crawl
from tests.scraper.website.site import Site


def settings(site: Site, **values: object) -> Website:
    given = {"start_urls": [site.url], "render": "never", "timeout_seconds": 1.0, **values}
    return Website.model_validate(given)


def run(folder: Path, wanted: Website, *, force: bool = False) -> CrawlResult:
    return asyncio.run(crawl(wanted, folder, force=force))


def pages(folder: Path) -> dict[str, Page]:
    return {p.url: p for p in read_raw(folder / "pages.jsonl.gz", Page)}


def failed(folder: Path) -> dict[str, str]:
    return {f.locator: f.reason for f in read_raw(folder / "website-failed.jsonl", Failed)}
