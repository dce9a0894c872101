"""SIGKILL at twenty moments of one crawl: nothing is fetched twice, nothing is different after."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from onbrand.artifact import folder_hash, required_manifest
from onbrand.workspace import Workspace
from scraper.build import build
from scraper.raw import PAGES, Page, read_raw
from tests.scraper.website.site import Site, link, page, slow

ROOT = Path(__file__).parents[3]
PAGES_OF_THE_SITE = 200
CONCURRENCY = 4
KILLS = 20


def village(site: Site) -> None:
    """200 pages, each with three links and words of its own, each 10 to 50 ms slow."""
    chance = random.Random(11)
    subjects = ["baker", "miller", "weaver", "potter", "brewer", "joiner", "mason", "smith"]
    verbs = ["shows", "sells", "mends", "makes", "keeps", "sends", "brings", "shares"]
    things = ["bread", "cloth", "cups", "barrels", "chairs", "walls", "gates", "lamps", "baskets"]
    for number in range(PAGES_OF_THE_SITE):
        said = " ".join(
            f"The {chance.choice(subjects)} {chance.choice(verbs)} {chance.choice(things)} and "
            f"{chance.choice(things)} at stall {chance.randrange(1000)}."
            for _ in range(12)
        )
        targets = [f"/p{(3 * number + step) % PAGES_OF_THE_SITE}" for step in (1, 2, 3)]
        body = page(f"Stall {number}", f"<article><p>{said}</p></article>{link(*targets)}")
        site.pages[f"/p{number}"] = slow(chance.uniform(0.01, 0.05), body)
    site.pages["/"] = page("The village", link("/p0"))


def workspace(folder: Path, site: Site) -> Workspace:
    folder.mkdir()
    (folder / "brand.toml").write_text(
        f'[website]\nstart_urls = ["{site.url}/"]\nrender = "never"\nconcurrency = {CONCURRENCY}\n',
        encoding="utf-8",
    )
    return Workspace(folder)


def scrape(workspace: Workspace) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "onbrand", "--workspace", str(workspace.root), "scrape"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_twenty_kills(site: Site, tmp_path: Path) -> None:
    village(site)
    whole, killed = (workspace(tmp_path / name, site) for name in ("whole", "killed"))
    assert scrape(whole).wait(120) == 0
    expected = Counter(site.asked)
    assert len(expected) == PAGES_OF_THE_SITE + 3, "robots.txt, sitemap.xml, the start page"
    assert set(expected.values()) == {1}

    chance = random.Random(12)
    runs = []
    for _ in range(KILLS):
        site.asked.clear()
        process = scrape(killed)
        wanted, deadline = chance.randrange(16), time.monotonic() + 60
        while len(site.asked) < wanted and time.monotonic() < deadline:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.04))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        runs.append(list(site.asked))
    site.asked.clear()
    assert scrape(killed).wait(120) == 0
    runs.append(list(site.asked))

    asked = Counter(path for run in runs for path in run if path.startswith("/p"))
    assert asked.keys() == {path for path in expected if path.startswith("/p")}
    assert all(count == 1 for run in runs for count in Counter(run).values())
    for number, run in enumerate(runs):
        later = {path for following in runs[number + 1 :] for path in following}
        in_flight = [path for path in run if path.startswith("/p") and path in later]
        assert len(in_flight) <= CONCURRENCY, f"run {number} lost pages it had: {in_flight}"
    print(f"{asked.total() - len(asked)} of {len(asked)} pages asked for again after {KILLS} kills")

    assert _contents(killed) == _contents(whole)
    made = [build(each).manifest for each in (killed, whole)]
    assert made[0].output_hash == made[1].output_hash
    assert made[0].counts == made[1].counts
    for folder in ("clean", "dataset"):
        assert folder_hash(killed.root / folder) == folder_hash(whole.root / folder)


def _contents(workspace: Workspace) -> tuple[list[Page], bytes, str]:
    """What has to be equal: all but the times."""
    pages = read_raw(workspace.raw / PAGES, Page)
    return (
        [page.model_copy(update={"fetched_at": ""}) for page in pages],
        (workspace.raw / "website-failed.jsonl").read_bytes(),
        required_manifest(workspace.raw, "scrape", "scrape").output_hash,
    )
