"""The crawl: from the start URLs through the site, level by level, resumable at any moment."""

import asyncio
import hashlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from onbrand.atomic import atomic_file
from onbrand.config import Website
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from scraper.raw import FACTS, PAGES, Page, read_raw, write_raw
from scraper.website.aliases import find_aliases
from scraper.website.earlier import Changes, Earlier
from scraper.website.facts import collect_facts, pages_that_state
from scraper.website.fetch import Fetcher, FetchError
from scraper.website.frontier import Entry, Frontier
from scraper.website.render import Renderer
from scraper.website.results import Results, pack, unpack
from scraper.website.robots import Robots
from scraper.website.scope import Addresses, Scope
from scraper.website.selection import Selection
from scraper.website.site_files import SiteFiles
from scraper.website.sitemap import listed_pages
from scraper.website.trap_watch import TrapWatch
from scraper.website.url import host_of, normalise, origin_of
from scraper.website.visit import Visitor

FRONTIER = "crawl.sqlite"
WEBSITE_FAILED = "website-failed.jsonl"

# Raised whenever the same settings would give other pages than before.
_VERSION = 2
_DECIDING = {
    "start_urls", "max_pages", "max_depth", "include", "exclude", "obey_robots", "render",
    "render_hosts",
    "user_agent", "timeout_seconds", "max_page_mb",
}  # fmt: skip


@dataclass(frozen=True)
class CrawlResult:
    """What a crawl found."""

    pages: int
    rendered: int
    """Pages whose text Chromium produced."""
    failed: int
    """URLs in `website-failed.jsonl`, those that robots.txt disallows and traps aside."""
    disallowed: int
    resumed_from: int
    """Pages that were there already when the crawl was taken up again."""
    aliases: int = 0
    """Pages left out because another one is the same."""
    traps: int = 0
    """URLs that were given up as endless."""
    excluded: int = 0
    """URLs that `include` and `exclude` left out."""
    passing: int = 0
    """Of the failed URLs those that the next crawl tries again."""
    changes: Changes = field(default_factory=lambda: Changes(0, 0, 0, 0))
    """Against the crawl before; where there was none, every page is new."""


async def crawl(settings: Website, folder: Path, *, force: bool = False) -> CrawlResult:
    """Crawl the site into `folder`: pages and failures by URL, and the facts that pages state.

    The state is in `crawl.sqlite`. A crawl that was interrupted goes on. One that is complete is
    not repeated unless `force` is given or a setting that decides about its pages has changed; only
    URLs whose failure may have passed are tried again. A repeated crawl asks for each page whether
    it has changed. The files of an earlier crawl stay until this one is complete, and where it
    fails.

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
    facts, _ = collect_facts(read_raw(path, Page))
    write_raw(folder / FACTS, facts)
    return count


async def _crawl(
    settings: Website, start_urls: list[str], frontier: Frontier, folder: Path
) -> CrawlResult:
    again = 0
    if frontier.complete and frontier.done < settings.max_pages:
        again = frontier.try_again()
    resumed_from = frontier.done
    scope, addresses = Scope(start_urls), Addresses(start_urls)
    selection, earlier = Selection(settings, scope, start_urls), Earlier(frontier.db)
    fetcher = Fetcher(settings, addresses)
    files = SiteFiles(fetcher, earlier, scope.__contains__)
    robots = Robots(fetcher, frontier, files, settings)
    renderer = Renderer(settings, scope, addresses, robots)
    try:
        if not frontier.seeded:
            await _seed(settings, start_urls, frontier, files, robots, selection)
        elif again:
            notes.print(f"Trying again {again} of the URLs that failed last time.")
        elif frontier.waiting and resumed_from < settings.max_pages:
            notes.print(f"Going on with the crawl: {resumed_from} pages are there already.")
        visitor = Visitor(settings, frontier, fetcher, robots, selection, renderer)
        await _visit_all(settings, frontier, visitor)
    finally:
        await renderer.close()
        await fetcher.close()

    results = Results(frontier.db)
    if not results.has_fresh_page():
        url, reason = results.failure_of(start_urls[0])
        frontier.clear()  # so that the next attempt is one
        raise OnbrandError(
            f"No page of {start_urls[0]} could be fetched: {_naming(url, start_urls[0])}{reason}; "
            "check website.start_urls in brand.toml and that the site is up."
        )
    return _hand_on(settings, frontier, results, folder, resumed_from)


def _hand_on(
    settings: Website, frontier: Frontier, results: Results, folder: Path, resumed_from: int
) -> CrawlResult:
    """Write what the crawl found into its three files."""
    aliases = find_aliases(frontier.db)
    frontier.finish(aliases)
    _write_pages(folder / PAGES, results, aliases)
    facts, unreadable = collect_facts(pages_that_state(results.packed_pages()))
    write_raw(folder / FACTS, facts)
    failed = sorted([*results.failed(), *unreadable], key=lambda one: one.locator)
    write_raw(folder / WEBSITE_FAILED, failed)
    counts = results.counts()
    if counts.waiting and counts.done >= settings.max_pages:
        notes.print(f"{counts.waiting} known URLs were left: website.max_pages is reached.")
    changes = Earlier(frontier.db).changes(results.content_hashes())
    if changes.unchanged or changes.changed:
        notes.print(
            f"Pages since the crawl before: {changes.new} new, {changes.changed} changed, "
            f"{changes.unchanged} unchanged, {changes.gone} gone."
        )
    return CrawlResult(
        pages=counts.done - len(aliases),
        rendered=counts.rendered,
        failed=counts.failed,
        disallowed=counts.disallowed,
        resumed_from=resumed_from,
        aliases=len(aliases),
        traps=counts.traps,
        excluded=counts.excluded,
        passing=counts.passing,
        changes=changes,
    )


def _write_pages(path: Path, results: Results, aliases: dict[str, str]) -> None:
    """Write the pages by URL, each with its aliases; they are stored as they are written."""
    others: dict[str, list[str]] = {}
    for url in sorted(aliases):
        others.setdefault(aliases[url], []).append(url)
    with atomic_file(path) as partial, partial.open("wb") as stream:
        for url, packed in results.packed_pages():
            if url in others:
                page = unpack(packed).model_copy(update={"aliases": others[url]})
                stream.write(pack(page))
            else:
                stream.write(packed)


async def _seed(
    settings: Website,
    start_urls: list[str],
    frontier: Frontier,
    files: SiteFiles,
    robots: Robots,
    selection: Selection,
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
    inside = selection.is_inside
    listed, failed = await listed_pages(files, sorted(named | guessed), inside)
    # Nobody promised that there is a /sitemap.xml.
    failed = {url: reason for url, reason in failed.items() if url not in guessed - named}
    frontier.seed(start_urls, selection.sift(listed), failed)


async def _visit_all(settings: Website, frontier: Frontier, visitor: Visitor) -> None:
    """Visit until nothing waits or `max_pages` is reached.

    Only URLs among the first `max_pages - done` of a level are visited. Such a URL stays among
    them whatever becomes of the others, so the set of visited URLs does not depend on timing.
    """
    running: dict[asyncio.Task[None], str] = {}
    watch = TrapWatch(frontier)
    with _progress() as progress:
        bar = progress.add_task("pages", total=None)
        try:
            while True:
                known = min(frontier.done + frontier.waiting, settings.max_pages)
                progress.update(bar, completed=frontier.done, total=known)
                progress.live.transient = not frontier.done  # that nothing came is said elsewhere
                for entry in _next(settings, frontier, watch, set(running.values())):
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


def _next(
    settings: Website, frontier: Frontier, watch: TrapWatch, in_flight: set[str]
) -> list[Entry]:
    """What to visit now, beside what is in flight; a host that has its fill waits its turn."""
    room = settings.max_pages - frontier.done
    most = settings.host_concurrency or settings.concurrency
    busy = Counter(map(host_of, in_flight))
    chosen: list[Entry] = []
    for entry in _first(frontier, watch, min(room, 20 * settings.concurrency)):
        if len(in_flight) + len(chosen) >= settings.concurrency:
            break
        if entry.url not in in_flight and busy[host_of(entry.url)] < most:
            busy[host_of(entry.url)] += 1
            chosen.append(entry)
    return chosen


def _first(frontier: Frontier, watch: TrapWatch, limit: int) -> list[Entry]:
    """The first URLs of the level whose turn it is, once its traps have been given up."""
    while entries := frontier.next(limit):
        waiting = frontier.waiting
        watch.look_at(entries[0].level)
        if frontier.waiting == waiting:
            break
    return entries


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
