"""Whole crawls of a real server: what is fetched, what is set aside and why, what is not asked."""

import asyncio
import socket
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from onbrand.config import Website
from onbrand.errors import OnbrandError, UsageError
from scraper.raw import Failed, Page, read_raw
from scraper.website.crawl import CrawlResult, crawl
from scraper.website.earlier import Changes
from tests.scraper.website.site import (
    Site,
    answer,
    bakery,
    drip,
    heals,
    link,
    page,
    redirect,
    serve,
    slow,
)  # fmt: skip


def settings(site: Site, **values: object) -> Website:
    given = {"start_urls": [site.url], "render": "never", "timeout_seconds": 1.0, **values}
    return Website.model_validate(given)


def run(folder: Path, wanted: Website, *, force: bool = False) -> CrawlResult:
    return asyncio.run(crawl(wanted, folder, force=force))


def pages(folder: Path) -> dict[str, Page]:
    return {p.url: p for p in read_raw(folder / "pages.jsonl.gz", Page)}


def failed(folder: Path) -> dict[str, str]:
    return {f.locator: f.reason for f in read_raw(folder / "website-failed.jsonl", Failed)}


def test_whole_site(site: Site, elsewhere: Site, tmp_path: Path) -> None:
    bakery(site, elsewhere.url)
    result = run(tmp_path, settings(site))

    found = pages(tmp_path)
    paths = [url.removeprefix(site.url) for url in found]
    kept = "/ /bread /bread/rye /bread/rye/recipe /new-place /heals /busy /latin /based/"
    assert paths == sorted(f"{kept} /elsewhere/here /only-in-sitemap".split())
    assert "Crème brûlée" in found[f"{site.url}/latin"].html
    assert found[f"{site.url}/bread/rye/recipe"].depth == 3
    assert found[f"{site.url}/new-place"].depth == 1, "a redirect is no step into the site"

    reasons = {url.removeprefix(site.url): reason for url, reason in failed(tmp_path).items()}
    assert reasons == {
        "/circle-a": "it redirects in a circle",
        "/circle-b": "it redirects in a circle",
        "/out": f"redirects out of the site, to {elsewhere.url}/bait",
        "/missing": "HTTP 404",
        "/menu.pdf": "it is a broken PDF",
        "/slow": "no answer within 1 s",
        "/private/plans": "robots.txt disallows it",
        "/private/listed": "robots.txt disallows it",
    }
    assert result == CrawlResult(
        pages=11, rendered=0, failed=6, disallowed=2, resumed_from=0,
        passing=1, changes=Changes(new=11, changed=0, unchanged=0, gone=0),
    )  # fmt: skip
    assert not [path for path in site.asked if path.startswith("/private")]
    assert elsewhere.asked == []
    assert {path: n for path, n in site.times.items() if n > 1} == {"/heals": 3, "/busy": 2}


def test_disobedience_is_possible(site: Site, tmp_path: Path) -> None:
    bakery(site, "http://127.0.0.1:9")
    run(tmp_path, settings(site, obey_robots=False, max_depth=1))
    assert f"{site.url}/private/plans" in pages(tmp_path)


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


def test_what_may_have_passed_is_tried_again_by_the_next_crawl(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": page("Home", link("/down", "/gone", "/never")),
        "/down": answer(500),
        "/never": answer(503),
    }
    first = run(tmp_path, settings(site))
    assert (first.pages, first.failed, first.passing) == (1, 3, 2)

    asked = len(site.asked)
    site.pages["/down"] = page("Up", link("/more"))
    site.pages["/more"] = page("More", "")
    second = run(tmp_path, settings(site))
    assert (second.pages, second.failed, second.passing) == (3, 2, 1)
    assert Counter(site.asked[asked:]) == {"/down": 1, "/never": 4, "/more": 1}
    assert second.resumed_from == 1

    assert run(tmp_path, settings(site)).passing == 0, "the third run with that failure"
    asked = len(site.asked)
    assert run(tmp_path, settings(site)).passing == 0
    assert len(site.asked) == asked
    assert failed(tmp_path)[f"{site.url}/never"] == "HTTP 503"


def test_sitemap_that_failed_is_read_again_by_the_next_crawl(site: Site, tmp_path: Path) -> None:
    bakery(site, "http://127.0.0.1:9")
    whole, site.pages["/index.xml"] = site.pages["/index.xml"], answer(500)
    run(tmp_path, settings(site))
    assert failed(tmp_path)[f"{site.url}/index.xml"] == "sitemap: HTTP 500"
    assert f"{site.url}/only-in-sitemap" not in pages(tmp_path)

    site.pages["/index.xml"] = whole
    run(tmp_path, settings(site))
    assert f"{site.url}/only-in-sitemap" in pages(tmp_path)
    assert f"{site.url}/index.xml" not in failed(tmp_path)
    assert site.times["/"] == 1


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


async def _timed(work: object) -> float:
    clock = asyncio.get_running_loop()
    start = clock.time()
    await work  # type: ignore[misc]
    return clock.time() - start


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


def test_depth_limit(site: Site, tmp_path: Path) -> None:
    bakery(site, "http://127.0.0.1:9")
    run(tmp_path, settings(site, max_depth=0))
    assert list(pages(tmp_path)) == [f"{site.url}/"]
    assert set(site.asked) == {"/robots.txt", "/"}


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_max_pages_takes_the_same_pages_whatever_the_timing(
    site: Site, tmp_path: Path, concurrency: int
) -> None:
    """Breadth first, then by URL: /a fails, /b and /c are slow, /d redirects to a later turn."""
    site.pages = {
        "/": page("Home", link("/e", "/d", "/c", "/b", "/a", "/f", "/g")),
        "/b": slow(0.3, page("B", link("/aa-deeper"))),
        "/c": slow(0.2, page("C", "")),
        "/d": redirect("/aaa"),
        "/aaa": page("AAA", ""),
        **{f"/{name}": page(name, "") for name in ["e", "f", "g", "aa-deeper"]},
    }
    result = run(tmp_path, settings(site, max_pages=5, concurrency=concurrency))
    paths = [url.removeprefix(site.url) for url in pages(tmp_path)]
    assert paths == ["/", "/b", "/c", "/e", "/f"]
    assert result.pages == 5
    assert "/g" not in site.asked


def test_complete_crawl_is_not_repeated_unless_forced_or_changed(
    site: Site, tmp_path: Path
) -> None:
    bakery(site, "http://127.0.0.1:9")
    del site.pages["/slow"]
    first = run(tmp_path, settings(site))
    before, asked = (tmp_path / "pages.jsonl.gz").read_bytes(), len(site.asked)
    again = run(tmp_path, settings(site, concurrency=1))
    assert len(site.asked) == asked
    assert again.resumed_from == again.pages == first.pages
    assert (tmp_path / "pages.jsonl.gz").read_bytes() == before

    assert run(tmp_path, settings(site), force=True).resumed_from == 0
    assert site.times["/"] == 2
    assert run(tmp_path, settings(site, max_pages=3)).pages == 3
    assert len(pages(tmp_path)) == 3


def test_two_crawls_at_once_are_refused(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": slow(0.8, page("Home", ""))}

    async def both() -> None:
        first = asyncio.create_task(crawl(settings(site, timeout_seconds=5), tmp_path))
        await asyncio.sleep(0.3)
        with pytest.raises(OnbrandError, match=r"crawl\.sqlite is in use"):
            await crawl(settings(site, timeout_seconds=5), tmp_path)
        await first

    asyncio.run(both())


def test_dead_port(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    with pytest.raises(OnbrandError, match=f"No page of {url} could be fetched: connection ref"):
        run(tmp_path, Website(start_urls=[url], render="never"))


def test_unknown_host(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="DNS"):
        run(tmp_path, Website(start_urls=["http://no-such-host.invalid/"], render="never"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (answer(404), "HTTP 404"),
        (answer(503), "HTTP 503"),
        (answer(200, b"PK", "application/zip"), "application/zip is neither HTML nor PDF"),
        (answer(200, b""), "it is empty or no HTML"),
        (slow(1.5, b""), "no answer within 1 s"),
        (redirect("/gone"), "/gone: HTTP 404"),
        (redirect("https://www.example.org/"), "redirects out of the site, to https://www.ex"),
    ],
)
def test_bad_start_page(site: Site, tmp_path: Path, content: object, reason: str) -> None:
    site.pages = {"/": content}
    with pytest.raises(OnbrandError, match=reason) as raised:
        run(tmp_path, settings(site))
    assert site.url in str(raised.value)
    assert not (tmp_path / "pages.jsonl.gz").exists()
    site.pages = {"/": page("Home", "")}
    assert run(tmp_path, settings(site)).pages == 1, "a failed start must not be remembered"


def test_robots_that_forbids_all(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": page("Home", ""),
        "/robots.txt": answer(200, b"User-agent: onbrand\nDisallow: /", "text/plain"),
    }
    with pytest.raises(OnbrandError, match=r"robots\.txt disallows it"):
        run(tmp_path, settings(site))
    assert "/" not in site.asked


def test_robots_that_fails_forbids_all(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": page("Home", ""), "/robots.txt": answer(500)}
    with pytest.raises(OnbrandError, match=r"its robots\.txt answers HTTP 500"):
        run(tmp_path, settings(site))
    assert "/" not in site.asked


def test_oversized_page_is_set_aside(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": page("Home", link("/big")), "/big": b"<p>" + b"x" * 10_000_001}
    run(tmp_path, settings(site, timeout_seconds=10))
    assert failed(tmp_path) == {f"{site.url}/big": "larger than 10 MB"}
    run(tmp_path, settings(site, timeout_seconds=10, max_page_mb=11))
    assert f"{site.url}/big" in pages(tmp_path)
    run(tmp_path, settings(site, timeout_seconds=10, max_page_mb=0.5))
    assert failed(tmp_path) == {f"{site.url}/big": "larger than 0.5 MB"}


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


def test_include_and_exclude(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": page("Home", link("/blog/a", "/blog/private/b", "/shop/c", "/to-shop")),
        "/blog/a": page("A", link("/blog/d")),
        "/blog/d": page("D", ""),
        "/blog/private/b": page("B", link("/blog/behind")),
        "/shop/c": page("C", ""),
        "/to-shop": redirect("/shop/c"),
    }
    wanted = settings(site, include=["/blog/*", "/to-*"], exclude=["/blog/private/*"])
    result = run(tmp_path, wanted)
    assert [url.removeprefix(site.url) for url in pages(tmp_path)] == ["/", "/blog/a", "/blog/d"]
    assert result.excluded == 2
    assert "/shop/c" not in site.asked
    assert "/blog/private/b" not in site.asked
    assert failed(tmp_path) == {
        f"{site.url}/to-shop": f"redirects to {site.url}/shop/c, which website.include and exclude "
        "leave out"
    }


@pytest.mark.parametrize("start", [[], ["ftp://example.org/"], ["www.example.org"]])
def test_start_urls_that_cannot_be_right(tmp_path: Path, start: list[str]) -> None:
    with pytest.raises(UsageError, match=r"website\.start_urls in brand\.toml"):
        run(tmp_path, Website(start_urls=start))
