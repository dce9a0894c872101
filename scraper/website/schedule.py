"""Who is visited when: level by level, so many at once, within `max_pages`."""

import asyncio
from collections import Counter

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from onbrand.config import Website
from onbrand.console import notes
from scraper.website.frontier import Entry, Frontier
from scraper.website.trap_watch import TrapWatch
from scraper.website.url import host_of
from scraper.website.visit import Visitor


async def visit_all(settings: Website, frontier: Frontier, visitor: Visitor) -> None:
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
