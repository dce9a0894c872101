"""The crawl: from the start URLs through the site, level by level, resumable at any moment."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from onbrand.atomic import atomic_file
from onbrand.config import Website
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.plural import plural
from scraper.raw import FACTS, PAGES, Page, read_raw, write_raw
from scraper.website.aliases import find_aliases
from scraper.website.earlier import Changes, Earlier
from scraper.website.facts import collect_facts, pages_that_state
from scraper.website.fetch import Fetcher, FetchError
from scraper.website.frontier import Frontier
from scraper.website.render import Renderer
from scraper.website.results import FRONTIER, WEBSITE_FAILED, Results, pack, unpack
from scraper.website.robots import Robots
from scraper.website.schedule import visit_all
from scraper.website.scope import Addresses, Scope
from scraper.website.selection import Selection
from scraper.website.site_files import SiteFiles
from scraper.website.sitemap import listed_pages
from scraper.website.url import normalise, origin_of
from scraper.website.visit import Visitor

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
    renderer = Renderer(settings, selection, addresses, robots, fetcher.pace)
    try:
        if not frontier.seeded:
            await _seed(settings, start_urls, frontier, files, robots, selection)
        elif again:
            notes.print(f"Trying again {again} of the URLs that failed last time.")
        elif frontier.waiting and resumed_from < settings.max_pages:
            notes.print(f"Going on with the crawl after {plural(resumed_from, 'page')}.")
        visitor = Visitor(settings, frontier, fetcher, robots, selection, renderer)
        await visit_all(settings, frontier, visitor)
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
        passing=counts.passing if counts.done < settings.max_pages else 0,
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
                if await robots.allows(guess := f"{origin}/sitemap.xml"):
                    guessed.add(guess)
            except FetchError:
                continue  # the visit of the start URL runs into the same, and says so
    inside = selection.is_inside
    sitemaps = sorted(named | guessed)
    listed, failed = await listed_pages(files, sitemaps, inside, robots.allows)
    # Nobody promised that there is a /sitemap.xml.
    failed = {url: reason for url, reason in failed.items() if url not in guessed - named}
    frontier.seed(start_urls, selection.sift(listed), failed)


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
