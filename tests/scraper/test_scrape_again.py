"""A second `scrape`: after a kill, with a source that has broken since, and beside another one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onbrand.artifact import read_manifest
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from scraper import raw
from scraper.build import build
from scraper.scrape import scrape
from tests.scraper.website.site import Site, link, page, serve, slow

MakeWorkspace = Callable[[str], Workspace]
ROOT = Path(__file__).parents[2]
ONBRAND = [sys.executable, "-m", "onbrand"]
EXPORT = [
    {"id": str(n), "shortCode": f"A{n}", "ownerUsername": "brand",
     "caption": f"We bake loaf number {n} on every single morning of the year {1900 + 7 * n}."}
    for n in range(5)
]  # fmt: skip


@pytest.fixture
def site() -> Iterator[Site]:
    """24 pages, a tree, each a little slow; `/` is the first of them."""
    with Site() as site:
        for n in range(24):
            body = page(f"Page {n}", link(f"/p{2 * n + 1}", f"/p{2 * n + 2}"))
            site.pages[f"/p{n}"] = slow(0.02, body)
        site.pages["/"] = site.pages["/p0"]
        serve(site)
        yield site
        site.shutdown()


def configure(folder: Path, site: str, export: str = "posts.json") -> Workspace:
    folder.mkdir(exist_ok=True)
    (folder / export).parent.mkdir(exist_ok=True)
    (folder / export).write_text(json.dumps(EXPORT), encoding="utf-8")
    (folder / "brand.toml").write_text(
        f'[website]\nstart_urls = ["{site}/"]\nrender = "never"\nconcurrency = 2\n'
        f'[social]\ninstagram_exports = ["{export}"]\n',
        encoding="utf-8",
    )
    return Workspace(folder)


def contents(workspace: Workspace) -> tuple[list[raw.Page], bytes, bytes, str]:
    """What two scrapes have to agree in: all but the times."""
    pages = raw.read_raw(workspace.raw / raw.PAGES, raw.Page)
    manifest = read_manifest(workspace.raw)
    assert manifest is not None
    return (
        [page.model_copy(update={"fetched_at": ""}) for page in pages],
        (workspace.raw / raw.POSTS).read_bytes(),
        (workspace.raw / "website-failed.jsonl").read_bytes(),
        manifest.output_hash,
    )


def killed(workspace: Workspace, site: Site, *options: str, after: int) -> None:
    """Scrape until the site has been asked so many more times, then SIGKILL."""
    before = len(site.asked)
    process = subprocess.Popen(
        [*ONBRAND, "scrape", *options],
        cwd=workspace.root, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    while len(site.asked) < before + after and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_killed_scrape_ends_like_an_uninterrupted_one(site: Site, tmp_path: Path) -> None:
    whole, workspace = (configure(tmp_path / name, site.url) for name in ("whole", "killed"))
    scrape(whole)
    expected = contents(whole)
    assert len(expected[0]) == 24
    for after in (6, 9):
        killed(workspace, site, after=after)
    assert read_manifest(workspace.raw) is None
    finished = scrape(workspace)
    assert finished.manifest.counts["pages.resumed-from"] > 5
    assert contents(workspace) == expected
    assert scrape(workspace).was_current

    killed(workspace, site, "--force", after=9)
    assert contents(workspace) == expected, "what was there stays until the new crawl is complete"
    again = scrape(workspace)
    assert not again.was_current
    assert again.manifest.counts["pages.resumed-from"] > 2
    assert contents(workspace) == expected
    assert scrape(workspace).was_current


def test_a_site_that_is_down_when_forced_loses_nothing(
    site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace = configure(tmp_path, site.url)
    scrape(workspace)
    expected, up = contents(workspace), site.pages
    site.pages = {}
    capfd.readouterr()
    broken = scrape(workspace, force=True).manifest
    assert contents(workspace) == expected
    assert set(broken.details["broken"]) == {"website"}
    assert broken.counts["pages"] == 24
    said = " ".join(capfd.readouterr().err.split())
    assert said.count("could be fetched") == 1
    assert "The 24 pages of an earlier scrape stay." in said
    assert "0/0" not in said
    assert build(workspace).manifest.counts["in.website"] == 24
    site.pages = up
    assert not scrape(workspace).manifest.details["broken"]
    assert contents(workspace) == expected

    site.pages = {}
    (tmp_path / "posts.json").write_text('[{"url": "u", "error": "blocked"}]', encoding="utf-8")
    with pytest.raises(OnbrandError, match="Nothing could be scraped"):
        scrape(workspace, force=True)
    assert contents(workspace) == expected
    site.pages = up
    configure(tmp_path, site.url)
    assert not scrape(workspace).was_current, "what has failed is tried again"


def test_a_site_that_is_down_when_a_setting_changes_loses_nothing(
    site: Site, tmp_path: Path
) -> None:
    workspace = configure(tmp_path, site.url)
    scrape(workspace)
    expected, up = contents(workspace), site.pages
    site.pages = {}
    toml = f'[website]\nstart_urls = ["{site.url}/"]\nrender = "never"\nmax_pages = 600\n'
    (tmp_path / "brand.toml").write_text(toml, encoding="utf-8")
    workspace = Workspace(tmp_path)
    with pytest.raises(OnbrandError, match="could be fetched"):
        scrape(workspace)
    assert contents(workspace) == expected
    assert build(workspace).manifest.counts["in.website"] == 24
    site.pages = up
    assert scrape(workspace).manifest.counts["pages"] == 24


def test_nothing_of_a_crawl_is_left_when_there_is_no_site(site: Site, tmp_path: Path) -> None:
    workspace = configure(tmp_path, site.url)
    site.pages["/p1"] = slow(0.02, page("Page 1", link("/missing")))
    scrape(workspace)
    killed(workspace, site, "--force", after=3)
    (tmp_path / "brand.toml").write_text('[social]\ninstagram_exports = ["posts.json"]\n')
    scrape(Workspace(tmp_path))
    left = {path.name for path in workspace.raw.iterdir()}
    assert left == {raw.POSTS, raw.FILES, raw.FAILED, "manifest.json"}


def test_pages_of_a_site_that_is_no_longer_named_go(site: Site, tmp_path: Path) -> None:
    scrape(configure(tmp_path, site.url))
    elsewhere = configure(tmp_path, "http://127.0.0.1:9")
    broken = scrape(elsewhere).manifest
    assert set(broken.details["broken"]) == {"website"}
    assert not (elsewhere.raw / raw.PAGES).exists()


def test_a_scrape_beside_another_is_refused_and_changes_nothing(site: Site, tmp_path: Path) -> None:
    workspace = configure(tmp_path, site.url)
    scrape(workspace)
    expected = contents(workspace)
    site.pages["/"] = slow(3.0, page("Home", ""))
    first = subprocess.Popen(
        [*ONBRAND, "scrape", "--force"],
        cwd=tmp_path, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    asked = site.times["/"]
    while site.times["/"] == asked:
        time.sleep(0.01)
    with pytest.raises(OnbrandError, match="another crawl is running in this workspace"):
        scrape(workspace)
    assert contents(workspace) == expected
    assert first.wait(30) == 0
    finished = read_manifest(workspace.raw)
    assert finished is not None
    assert finished.counts["pages"] == 1
    assert finished.details == {"broken": {}}


def test_one_sentence_where_everything_failed(tmp_path: Path, site: Site) -> None:
    site.pages = {}
    configure(tmp_path, site.url)
    (tmp_path / "brand.toml").write_text(f'[website]\nstart_urls = ["{site.url}/"]\n')
    done = subprocess.run(
        [*ONBRAND, "scrape"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line] == [
        f"Error: No page of {site.url}/ could be fetched: HTTP 404; check website.start_urls in "
        "brand.toml and that the site is up."
    ]


def test_names_that_read_like_markup(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], site: Site
) -> None:
    site.pages = {}
    workspace = configure(tmp_path, f"{site.url}/[/b]", export="a[/b].json")
    assert scrape(workspace).manifest.counts["posts.instagram"] == 5
    said = capfd.readouterr().err
    assert "a[/b].json: 5 posts, 0 failed" in said
    assert f"No page of {site.url}/[/b]/" in said
