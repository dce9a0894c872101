"""A crawl that is killed and started again equals one that was not."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from scraper.raw import PAGES, Page, read_raw
from tests.scraper.website.site import Site, bakery, link, page, redirect, slow

CRAWL = """
import asyncio, sys
from pathlib import Path
from onbrand.config import Website
from scraper.website.crawl import crawl
_, url, folder, max_pages = sys.argv
settings = Website(start_urls=[url], concurrency=3, max_pages=int(max_pages), render="never")
print(asyncio.run(crawl(settings, Path(folder))).resumed_from)
"""
ROOT = Path(__file__).parents[3]


def start(site: Site, folder: Path, max_pages: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CRAWL, site.url, str(folder), str(max_pages)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def kept(folder: Path) -> set[tuple[str, str, str, int, int]]:
    pages = read_raw(folder / PAGES, Page)
    return {(p.url, p.html, p.final_url, p.status, p.depth) for p in pages}


def orchard(site: Site) -> None:
    """40 pages, a tree with cross links and redirects, each a little slow."""
    for number in range(40):
        targets = [f"/p{2 * number + 1}", f"/p{2 * number + 2}", f"/r{number}", "/p5", "/gone"]
        site.pages[f"/p{number}"] = slow(0.03, page(f"Page {number}", link(*targets)))
        site.pages[f"/r{number}"] = redirect(f"/p{(number * 7) % 40}")
    site.pages["/"] = site.pages["/p0"]


@pytest.mark.slow
@pytest.mark.parametrize("max_pages", [25, 500])
def test_killed_crawls_end_like_an_uninterrupted_one(
    site: Site, tmp_path: Path, max_pages: int
) -> None:
    orchard(site)
    whole = start(site, tmp_path / "whole", max_pages)
    assert whole.wait(60) == 0
    once = site.times
    site.asked.clear()

    killed = 0
    while killed < 4:
        before = len(site.asked)
        process = start(site, tmp_path / "killed", max_pages)
        while len(site.asked) < before + 9 and process.poll() is None:
            time.sleep(0.005)
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed += 1
    assert killed >= 2
    process = start(site, tmp_path / "killed", max_pages)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert int(output) > 5, "pages that were finished before the last kill"

    assert kept(tmp_path / "killed") == kept(tmp_path / "whole")
    failed = "website-failed.jsonl"
    assert (tmp_path / "killed" / failed).read_bytes() == (tmp_path / "whole" / failed).read_bytes()
    assert set(site.asked) == set(once)
    again = Counter(site.asked) - once
    assert again.total() <= 3 * killed, f"more than what was in flight was asked again: {again}"


def test_other_settings_start_afresh(site: Site, elsewhere: Site, tmp_path: Path) -> None:
    bakery(site, elsewhere.url)
    assert start(site, tmp_path, 3).communicate(timeout=60)[0].strip() == "0"
    asked = site.times["/"]
    assert start(site, tmp_path, 4).communicate(timeout=60)[0].strip() == "0"
    assert site.times["/"] == asked + 1
    assert start(site, tmp_path, 4).communicate(timeout=60)[0].strip() == "4"
    assert site.times["/"] == asked + 1


FULL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
"""


def test_disk_that_cannot_take_more(site: Site, tmp_path: Path) -> None:
    """A limit on the size of files makes writes fail as a full disk does."""
    noise = [os.urandom(20_000).hex() for _ in range(30)]
    site.pages = {f"/{n}": page(str(n), f"<!--{noise[n]}-->") for n in range(30)}
    site.pages["/"] = page("Home", link(*site.pages))
    command = [sys.executable, "-c", FULL_DISK + CRAWL, site.url, str(tmp_path), "500"]
    full = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert full.returncode == 1
    assert f"{tmp_path}/crawl.sqlite cannot be used" in full.stderr
    assert "make sure that the disk has room" in full.stderr
    assert not (tmp_path / PAGES).exists()

    resumed = start(site, tmp_path, 500).communicate(timeout=60)[0]
    assert int(resumed) > 0
    assert len(kept(tmp_path)) == 31


def test_file_that_is_no_frontier(site: Site, tmp_path: Path) -> None:
    (tmp_path / "crawl.sqlite").write_bytes(b"not a database" * 100)
    command = [sys.executable, "-c", CRAWL, site.url, str(tmp_path), "500"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "crawl.sqlite cannot be used (file is not a database)" in refused.stderr
    assert "delete the file to crawl afresh" in refused.stderr
