"""How fast a site is asked, how long it is waited for, and when it is left alone."""

import asyncio
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scraper.website import fetch
from scraper.website.crawl import CrawlResult, crawl
from tests.scraper.website.crawling import failed, pages, run, settings
from tests.scraper.website.site import Site, answer, drip, heals, link, page, serve


async def _timed(work: object) -> float:
    clock = asyncio.get_running_loop()
    start = clock.time()
    await work  # type: ignore[misc]
    return clock.time() - start


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(site: Site, tmp_path: Path, status: int) -> None:
    site.pages = {"/": heals(status, 1, page("Home", ""), Retry_After="1")}
    started = asyncio.run(_timed(crawl(settings(site), tmp_path)))
    assert started >= 1.0
    assert site.times["/"] == 2


def test_retry_after_may_be_a_date(site: Site, tmp_path: Path) -> None:
    """Dates have whole seconds: two seconds on means between one and two."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2.999), usegmt=True)
    site.pages = {"/": heals(429, 1, page("Home", ""), Retry_After=soon)}
    assert asyncio.run(_timed(crawl(settings(site), tmp_path))) >= 1.0
    assert site.times["/"] == 2


def test_429_holds_up_the_whole_host(site: Site, tmp_path: Path) -> None:
    """While /a waits, nothing is asked; without Retry-After the wait is the backoff."""
    when: list[float] = []

    def note(request: Any) -> None:
        when.append(time.monotonic())
        request.answer(200, page("Noted", ""))

    names = [f"/z{number}" for number in range(6)]
    site.pages = {"/": page("Home", link("/a", *names)), **dict.fromkeys(names, note)}
    refusal = heals(429, 1, page("A", ""), Retry_After="1")

    def refuse(request: Any) -> None:
        when.append(time.monotonic())
        refusal(request)

    site.pages["/a"] = refuse
    run(tmp_path, settings(site, concurrency=1))
    assert len(pages(tmp_path)) == 8
    assert when[1] - when[0] >= 0.95, "the first request after the refusal"
    assert site.times["/a"] == 2


def test_host_that_asks_for_a_long_rest_is_left_alone(site: Site, tmp_path: Path) -> None:
    names = [f"/z{number}" for number in range(6)]
    site.pages = {"/": page("Home", link("/a", *names)), "/a": answer(429, Retry_After="3600")}
    took = asyncio.run(_timed(crawl(settings(site, concurrency=1), tmp_path)))
    assert took < 5
    assert not [path for path in site.asked if path.startswith("/z")]
    reasons = failed(tmp_path)
    assert len(reasons) == 7
    assert "asks to be left alone for 3" in reasons[f"{site.url}/z0"]


def test_no_rest_at_all_is_a_backoff(site: Site, tmp_path: Path) -> None:
    """A host that refuses with `Retry-After: 0` is asked six times, and not in one breath."""
    when: list[float] = []

    def refuse(request: Any) -> None:
        when.append(time.monotonic())
        request.answer(429, Retry_After="0")

    site.pages = {"/": page("Home", link("/a")), "/a": refuse}
    run(tmp_path, settings(site))
    waits = [later - earlier for earlier, later in pairwise(when)]
    assert len(waits) == fetch.MOST_REFUSALS
    assert all(wait >= fetch.BACKOFF_SECONDS * 2**number for number, wait in enumerate(waits)), (
        waits
    )


def test_host_that_goes_away_is_not_waited_for_page_by_page(tmp_path: Path) -> None:
    """It answers the start page, then closes: after ten URLs in vain the rest is left."""
    with Site() as site:
        serve(site)
        names = [f"/{number}" for number in range(40)]
        site.pages = {"/": page("Home", link(*names))}

        async def go() -> CrawlResult:
            crawling = asyncio.create_task(crawl(settings(site, concurrency=2), tmp_path))
            while "/" not in site.asked:
                await asyncio.sleep(0.001)
            site.shutdown()
            site.server_close()
            return await crawling

        asyncio.run(go())
    reasons = Counter(failed(tmp_path).values())
    assert reasons["its host has stopped answering"] >= 25


def test_timeout_is_for_the_whole_page(site: Site, tmp_path: Path) -> None:
    """No single read takes long: a byte comes every 50 ms."""
    site.pages = {"/": page("Home", link("/drip")), "/drip": drip(20)}
    assert asyncio.run(_timed(crawl(settings(site), tmp_path))) < 4
    assert failed(tmp_path) == {f"{site.url}/drip": "no answer within 1 s"}


def test_delay_spreads_requests(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": page("Home", link("/a", "/b")), "/a": page("A", ""), "/b": page("B", "")}
    took = asyncio.run(_timed(crawl(settings(site, delay_seconds=0.2), tmp_path)))
    assert len(site.asked) == 5  # robots.txt, sitemap.xml, three pages
    assert took >= 4 * 0.2


def test_requests_to_one_host_at_once(site: Site, tmp_path: Path) -> None:
    at_once = most = 0
    lock = threading.Lock()

    def count(request: Any) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.03)
        with lock:
            at_once -= 1
        request.answer(200, page("Counted", ""))

    names = [f"/{number}" for number in range(12)]
    site.pages = {"/": page("Home", link(*names)), **dict.fromkeys(names, count)}
    run(tmp_path / "2", settings(site, concurrency=8, host_concurrency=2))
    assert most == 2
    most = 0
    run(tmp_path / "all", settings(site, concurrency=8))
    assert 2 < most <= 8
