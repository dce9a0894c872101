"""The crawl: from the start URLs through the site, level by level, resumable at any moment."""

import asyncio
import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from onbrand.config import Website
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from scraper.raw import PAGES, Page, read_raw, write_raw
from scraper.website.fetch import Fetcher, FetchError
from scraper.website.frontier import Frontier
from scraper.website.render import Renderer
from scraper.website.robots import Robots
from scraper.website.scope import Addresses, Scope
from scraper.website.sitemap import listed_pages
from scraper.website.url import normalise, origin_of
from scraper.website.visit import Visitor

FRONTIER = "crawl.sqlite"
WEBSITE_FAILED = "website-failed.jsonl"

# Raised whenever the same settings would give other pages than before.
_VERSION = 1
_DECIDING = {
    "start_urls", "max_pages", "max_depth", "obey_robots", "render", "user_agent",
    "timeout_seconds",
}  # fmt: skip


@dataclass(frozen=True)
class CrawlResult:
    """What a crawl found."""

    pages: int
    rendered: int
    """Pages whose text Chromium produced."""
    failed: int
    """URLs in `website-failed.jsonl`, those that robots.txt disallows aside."""
    disallowed: int
    resumed_from: int
    """Pages that were there already when the crawl was taken up again."""


async def crawl(settings: Website, folder: Path, *, force: bool = False) -> CrawlResult:
    """Crawl the site into `folder`: `pages.jsonl.gz` and `website-failed.jsonl`, sorted by URL.

    The state is in `crawl.sqlite`. A crawl that was interrupted goes on; one that is complete is
    not repeated unless `force` is given or a setting that decides about its pages has changed.
    The files of an earlier crawl stay until this one is complete, and where it fails.

    Raises:
        UsageError: a start URL is missing or is no http or https URL.
        FrontierInUseError: another crawl holds the folder.
        OnbrandError: no page could be fetched at all; Chromium is demanded and missing; the disk
            is full.
    """
    start_urls = _start_urls(settings)
    identity = hashlib.sha256(
        json.dumps([_VERSION, settings.model_dump(include=_DECIDING)], sort_keys=True).encode()
    ).hexdigest()
    try:
        frontier = Frontier(folder / FRONTIER, identity, afresh=force)
        try:
            return await _crawl(settings, start_urls, frontier, folder)
        finally:
            frontier.close()
    except sqlite3.Error as error:
        raise OnbrandError(
            f"{folder / FRONTIER} cannot be used ({error}); make sure that the disk has room and "
            "run the command again, or delete the file to crawl afresh."
        ) from error


def keep_earlier_pages(settings: Website, folder: Path) -> int:
    """Leave in `pages.jsonl.gz` the pages that lie within the site; return how many there are."""
    path, scope = folder / PAGES, Scope(_start_urls(settings))
    count = write_raw(path, (page for page in read_raw(path, Page) if page.url in scope))
    if not count:
        path.unlink()
    return count


async def _crawl(
    settings: Website, start_urls: list[str], frontier: Frontier, folder: Path
) -> CrawlResult:
    resumed_from = frontier.counts().done
    scope, addresses = Scope(start_urls), Addresses(start_urls)
    fetcher = Fetcher(settings, addresses)
    robots = Robots(fetcher, frontier, scope.__contains__, settings)
    renderer = Renderer(settings, scope, addresses, robots)
    try:
        if not frontier.seeded:
            await _seed(settings, start_urls, frontier, fetcher, robots, scope)
        elif frontier.counts().waiting:
            notes.print(f"Going on with the crawl: {resumed_from} pages are there already.")
        visitor = Visitor(settings, frontier, fetcher, robots, scope, renderer)
        await _visit_all(settings, frontier, visitor)
    finally:
        await renderer.close()
        await fetcher.close()

    counts = frontier.counts()
    if not counts.done:
        url, reason = frontier.failure_of(start_urls[0])
        frontier.clear()  # so that the next attempt is one
        raise OnbrandError(
            f"No page of {start_urls[0]} could be fetched: {_naming(url, start_urls[0])}{reason}; "
            "check website.start_urls in brand.toml and that the site is up."
        )
    write_raw(folder / PAGES, frontier.pages())
    write_raw(folder / WEBSITE_FAILED, frontier.failed())
    if counts.waiting and counts.done >= settings.max_pages:
        notes.print(f"{counts.waiting} known URLs were left: website.max_pages is reached.")
    return CrawlResult(counts.done, counts.rendered, counts.failed, counts.disallowed, resumed_from)


async def _seed(
    settings: Website,
    start_urls: list[str],
    frontier: Frontier,
    fetcher: Fetcher,
    robots: Robots,
    scope: Scope,
) -> None:
    """Put the start URLs and what the sitemaps of their origins list into the frontier."""
    named: set[str] = set()
    guessed: set[str] = set()
    if settings.max_depth > 0:
        for origin in sorted({origin_of(url) for url in start_urls}):
            try:
                named.update(await robots.sitemaps(origin))
                guessed.add(f"{origin}/sitemap.xml")
            except FetchError:
                continue  # the visit of the start URL runs into the same, and says so
    listed, failed = await listed_pages(fetcher, sorted(named | guessed), scope.__contains__)
    # Nobody promised that there is a /sitemap.xml.
    failed = {url: reason for url, reason in failed.items() if url not in guessed - named}
    frontier.seed(start_urls, listed, failed)


async def _visit_all(settings: Website, frontier: Frontier, visitor: Visitor) -> None:
    """Visit until nothing waits or `max_pages` is reached.

    Only URLs among the first `max_pages - done` of a level are visited. Such a URL stays among
    them whatever becomes of the others, so the set of visited URLs does not depend on timing.
    """
    running: dict[asyncio.Task[None], str] = {}
    with _progress() as progress:
        bar = progress.add_task("pages", total=None)
        try:
            while True:
                counts = frontier.counts()
                known = min(counts.done + counts.waiting, settings.max_pages)
                progress.update(bar, completed=counts.done, total=known)
                progress.live.transient = not counts.done  # that nothing came is said elsewhere
                room = min(settings.max_pages - counts.done, 2 * settings.concurrency)
                in_flight = set(running.values())
                for entry in frontier.next(room):
                    if len(running) < settings.concurrency and entry.url not in in_flight:
                        running[asyncio.create_task(visitor.visit(entry))] = entry.url
                if not running:
                    return
                finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    del running[task]
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def _progress() -> Progress:
    return Progress(
        TextColumn("Crawling"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages"),
        TimeElapsedColumn(),
        console=notes,
    )


def _start_urls(settings: Website) -> list[str]:
    if not settings.start_urls:
        raise UsageError("website.start_urls in brand.toml is empty; name a page to start from.")
    normalised = []
    for given in settings.start_urls:
        url = normalise(given)
        if url is None:
            raise UsageError(
                f"website.start_urls in brand.toml: {given} is no http or https URL; "
                "write it like https://www.example.com/."
            )
        normalised.append(url)
    return list(dict.fromkeys(normalised))


def _naming(url: str, start_url: str) -> str:
    return "" if url == start_url else f"{url}: "
