"""Whole crawls of a real server: what is fetched, what is set aside and why, what is not asked."""

import asyncio
import socket
from collections import Counter
from pathlib import Path

import pytest

from onbrand.config import Website
from onbrand.errors import OnbrandError, UsageError
from scraper.website.crawl import CrawlResult, crawl
from scraper.website.earlier import Changes
from tests.scraper.website.crawling import failed, pages, run, settings
from tests.scraper.website.site import Site, answer, bakery, link, page, redirect, slow


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


def test_what_there_is_no_room_for_is_not_promised_to_the_next_crawl(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": page("Home", link("/a", "/b")), "/a": answer(500), "/b": page("B", "")}
    assert run(tmp_path, settings(site, max_pages=2)).passing == 0
    asked = len(site.asked)
    assert run(tmp_path, settings(site, max_pages=2)).passing == 0
    assert len(site.asked) == asked
    assert run(tmp_path, settings(site, max_pages=3)).passing == 1


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
