"""A crawl that is repeated fetches what has changed, and nothing else."""

import gzip
import os
import random
import signal
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from onbrand.config import Website
from onbrand.errors import OnbrandError
from scraper.raw import Page
from scraper.website.earlier import Changes
from tests.scraper.website import crawling
from tests.scraper.website.crawling import failed, pages, run
from tests.scraper.website.site import (
    WORDS,
    Site,
    answer,
    link,
    page,
    redirect,
    serve,
    slow,
    tagged,
)  # fmt: skip

ROOT = Path(__file__).parents[3]


def settings(site: Site, **values: object) -> Website:
    return crawling.settings(site, **{"timeout_seconds": 2.0, **values})


def catalogue(site: Site, count: int = 300) -> None:
    """Pages of about 20 kB, three links each, all with ETags; robots.txt and sitemap too."""
    chance = random.Random(3)
    words = [f"{chance.choice('bcdfgl')}{chance.choice('aeiou')}{n:03}" for n in range(900)]
    for number in range(count):
        text = " ".join(chance.choice(words) for _ in range(3500))
        targets = [f"/p{(3 * number + step) % count}" for step in (1, 2, 3)]
        site.pages[f"/p{number}"] = tagged(page(f"Page {number}", f"<p>{text}</p>{link(*targets)}"))
    site.pages["/"] = tagged(page("Home", link("/p0")))
    listed = "".join(f"<url><loc>{site.url}/p{n}</loc></url>" for n in range(count))
    site.pages["/sitemap.xml"] = tagged(f"<urlset>{listed}</urlset>".encode(), "application/xml")
    site.pages["/robots.txt"] = tagged(b"User-agent: *\nDisallow: /private/\n", "text/plain")


@pytest.mark.slow
def test_second_crawl_of_an_unchanged_site_transfers_hardly_anything(
    site: Site, tmp_path: Path
) -> None:
    """Heads of answers included: under 1% of the first crawl's bytes."""
    catalogue(site)
    first = run(tmp_path, settings(site, concurrency=8))
    assert first.pages == 301
    sent, before = site.sent, pages(tmp_path)

    second = run(tmp_path, settings(site, concurrency=8), force=True)
    assert second.changes == Changes(new=0, changed=0, unchanged=301, gone=0)
    assert pages(tmp_path) == before
    assert len(site.asked) == 2 * 303
    share = (site.sent - sent) / sent
    print(f"second crawl: {site.sent - sent} of {sent} bytes, {share:.2%}")
    assert share < 0.01


def test_new_changed_and_gone_pages(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": tagged(page("Home", link("/same", "/changes", "/goes", "/untagged"))),
        "/same": tagged(page("Same", "")),
        "/changes": tagged(page("Before", "")),
        "/goes": tagged(page("Goes", link("/only-from-there"))),
        "/only-from-there": tagged(page("Leaf", "")),
        "/untagged": page("Untagged", ""),
    }
    assert run(tmp_path, settings(site)).changes == Changes(6, 0, 0, 0)
    site.pages["/changes"] = tagged(page("After", link("/new")))
    site.pages["/new"] = page("New", "")
    site.pages["/goes"] = answer(410)
    assert run(tmp_path, settings(site), force=True).changes == Changes(1, 1, 3, 2)

    found = pages(tmp_path)
    paths = [url.removeprefix(site.url) for url in found]
    assert paths == ["/", "/changes", "/new", "/same", "/untagged"]
    assert "After" in found[f"{site.url}/changes"].html
    assert failed(tmp_path) == {f"{site.url}/goes": "HTTP 410"}


def test_last_modified_will_do(site: Site, tmp_path: Path) -> None:
    stamp = formatdate(1_700_000_000, usegmt=True)
    conditions: list[str | None] = []

    def respond(request: Any) -> None:
        conditions.append(request.headers["If-Modified-Since"])
        known = request.headers["If-Modified-Since"] == stamp
        request.answer(304 if known else 200, b"" if known else page("A", ""), Last_Modified=stamp)

    site.pages = {"/": respond}
    run(tmp_path, settings(site))
    fetched_at = pages(tmp_path)[f"{site.url}/"].fetched_at
    assert run(tmp_path, settings(site), force=True).changes.unchanged == 1
    assert conditions == [None, stamp]
    kept = pages(tmp_path)[f"{site.url}/"]
    assert kept.last_modified == stamp
    assert kept.fetched_at == fetched_at, "when its text was transferred"
    assert kept.html == page("A", "").decode()


def test_other_settings_use_what_is_known(site: Site, tmp_path: Path) -> None:
    catalogue(site, 12)
    run(tmp_path, settings(site))
    sent = site.sent
    result = run(tmp_path, settings(site, max_depth=1, exclude=["/p3"]))
    assert site.sent - sent < 0.1 * sent
    assert result.changes == Changes(new=0, changed=0, unchanged=12, gone=1)
    assert f"{site.url}/p3" not in pages(tmp_path)


def test_304_to_a_request_without_a_condition_is_no_page(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": page("Home", link("/odd")), "/odd": answer(304)}
    run(tmp_path, settings(site))
    assert failed(tmp_path) == {f"{site.url}/odd": "HTTP 304"}


def test_robots_are_the_new_ones(site: Site, tmp_path: Path) -> None:
    catalogue(site, 5)
    run(tmp_path, settings(site))
    site.pages["/robots.txt"] = tagged(b"User-agent: *\nDisallow: /p2\n", "text/plain")
    asked = len(site.asked)
    result = run(tmp_path, settings(site), force=True)
    assert (result.disallowed, result.changes.gone) == (1, 1)
    assert "/p2" not in site.asked[asked:]


def test_page_that_does_not_answer_now_stays_as_it_was(site: Site, tmp_path: Path) -> None:
    """Its links are followed too, so a bad minute of the server costs nothing."""
    site.pages = {
        "/": page("Home", link("/shaky")),
        "/shaky": page("Shaky", link("/behind")),
        "/behind": page("Behind", ""),
    }
    run(tmp_path, settings(site))
    before = pages(tmp_path)
    site.pages["/shaky"] = answer(502)
    result = run(tmp_path, settings(site), force=True)
    assert pages(tmp_path).keys() == before.keys()
    assert pages(tmp_path)[f"{site.url}/shaky"] == before[f"{site.url}/shaky"]
    assert result.passing == 1
    reason = failed(tmp_path)[f"{site.url}/shaky"]
    assert reason.startswith("HTTP 502; kept as it was fetched on 20")

    site.pages["/shaky"] = page("Steady", "")
    again = run(tmp_path, settings(site))
    assert "Steady" in pages(tmp_path)[f"{site.url}/shaky"].html
    assert (again.passing, failed(tmp_path)) == (0, {})


def test_site_that_is_down_leaves_the_pages_and_what_is_known_of_them(tmp_path: Path) -> None:
    with Site() as site:
        serve(site)
        catalogue(site, 5)
        run(tmp_path, settings(site))
        written, port = (tmp_path / "pages.jsonl.gz").read_bytes(), site.server_port
        content = site.pages
        site.shutdown()
        site.server_close()
        with pytest.raises(OnbrandError, match="fetched: connection refused; check website"):
            run(tmp_path, settings(site), force=True)
    assert (tmp_path / "pages.jsonl.gz").read_bytes() == written
    with Site(port) as site:
        serve(site)
        site.pages = content
        assert run(tmp_path, settings(site)).changes.unchanged == 6
        assert site.sent < 3000
        site.shutdown()


def test_pages_come_back_as_they_were_from_redirects(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": tagged(page("Home", link("/old"))),
        "/old": redirect("/new"),
        "/new": tagged(page("New", "")),
    }
    run(tmp_path, settings(site))
    before = pages(tmp_path)
    run(tmp_path, settings(site), force=True)
    assert pages(tmp_path) == before


CRAWL = """
import asyncio, sys
from pathlib import Path
from onbrand.config import Website
from scraper.website.crawl import crawl
settings = Website(start_urls=[sys.argv[1]], concurrency=3, render="never")
print(asyncio.run(crawl(settings, Path(sys.argv[2]), force=sys.argv[3] == "force")).changes)
"""


@pytest.mark.slow
def test_repeated_crawl_that_is_killed_goes_on(site: Site, tmp_path: Path) -> None:
    catalogue(site, 30)
    for path, content in list(site.pages.items()):
        site.pages[path] = _after(0.02, content)
    command = [sys.executable, "-c", CRAWL, site.url, str(tmp_path)]
    subprocess.run([*command, "force"], cwd=ROOT, check=True, capture_output=True)
    written = (tmp_path / "pages.jsonl.gz").read_bytes()
    site.pages["/p7"] = slow(0.02, page("Other", ""))
    asked, sent = len(site.asked), site.sent

    for mode in ("force", "go on"):
        before = len(site.asked)
        process = subprocess.Popen([*command, mode], cwd=ROOT, stderr=subprocess.DEVNULL)
        while len(site.asked) < before + 11 and process.poll() is None:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert (tmp_path / "pages.jsonl.gz").read_bytes() == written, "the earlier pages stay"
    last = subprocess.run([*command, "go on"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert last.stdout.strip() == str(Changes(new=0, changed=1, unchanged=30, gone=0))
    assert "Other" in pages(tmp_path)[f"{site.url}/p7"].html
    assert len(site.asked) - asked <= 33 + 2 * 3 + 4, "each once, but those in flight at a kill"
    assert site.sent - sent < 0.1 * sent


def _after(seconds: float, content: Any) -> Any:
    def respond(request: Any) -> None:
        time.sleep(seconds)
        content(request)

    return respond


def test_page_file_is_one_gzip_file(site: Site, tmp_path: Path) -> None:
    """Pages are stored as gzip members, and the file is those in a row."""
    catalogue(site, 5)
    run(tmp_path, settings(site))
    lines = gzip.decompress((tmp_path / "pages.jsonl.gz").read_bytes()).splitlines()
    assert [Page.model_validate_json(line).url for line in lines] == sorted(pages(tmp_path))
    assert WORDS.encode() in lines[0]
