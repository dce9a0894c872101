"""Whole crawls of a real server: what is fetched, what is set aside and why, what is not asked."""

import asyncio
import socket
from pathlib import Path

import pytest

from onbrand.config import Website
from onbrand.errors import OnbrandError, UsageError
from scraper.raw import Failed, Page, read_raw
from scraper.website.crawl import CrawlResult, crawl
from tests.scraper.website.site import Site, answer, bakery, drip, heals, link, page, redirect, slow


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
        "/menu.pdf": "application/pdf is not HTML",
        "/slow": "no answer within 1 s",
        "/private/plans": "robots.txt disallows it",
        "/private/listed": "robots.txt disallows it",
    }
    assert result == CrawlResult(pages=11, rendered=0, failed=6, disallowed=2, resumed_from=0)
    assert not [path for path in site.asked if path.startswith("/private")]
    assert elsewhere.asked == []
    assert {path: n for path, n in site.times.items() if n > 1} == {"/heals": 3, "/busy": 2}


def test_disobedience_is_possible(site: Site, tmp_path: Path) -> None:
    bakery(site, "http://127.0.0.1:9")
    run(tmp_path, settings(site, obey_robots=False, max_depth=1))
    assert f"{site.url}/private/plans" in pages(tmp_path)


def test_retry_after_is_honoured(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": heals(503, 1, page("Home", ""), Retry_After="1")}
    started = asyncio.run(_timed(crawl(settings(site), tmp_path)))
    assert started >= 1.0
    assert site.times["/"] == 2


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
        (answer(200, b"%PDF", "application/pdf"), "application/pdf is not HTML"),
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


@pytest.mark.parametrize("start", [[], ["ftp://example.org/"], ["www.example.org"]])
def test_start_urls_that_cannot_be_right(tmp_path: Path, start: list[str]) -> None:
    with pytest.raises(UsageError, match=r"website\.start_urls in brand\.toml"):
        run(tmp_path, Website(start_urls=start))
