"""SIGKILL at twenty random moments of one crawl: no page is lost, nothing is different after."""

import random
import shutil
import signal
import subprocess
import sys
import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from onbrand.artifact import MANIFEST_NAME, folder_hash, required_manifest
from onbrand.workspace import Workspace
from scraper.build import build
from scraper.raw import FACTS, PAGES, Page, read_raw
from tests.scraper.website.site import Site, link, page, slow

ROOT = Path(__file__).parents[3]
PAGES_OF_THE_SITE = 200
CONCURRENCY = 4
KILLS = 20
KILLS_AT_THE_END = 8
"""So many of them after the last page was asked for, which is but a short time of a crawl."""


def village(site: Site) -> None:
    """200 pages, each with three links, words and a fact of its own, each 10 to 50 ms slow."""
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
        fact = f'{{"@type": "Product", "name": "Stall {number}"}}'
        head = f"<script type='application/ld+json'>{fact}</script>"
        body = page(f"Stall {number}", f"<article><p>{said}</p></article>{link(*targets)}", head)
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


@dataclass
class Course:
    """An uninterrupted scrape: seconds from its start to each of its requests, and to its end."""

    requests: list[float]
    end: float

    @classmethod
    def of(cls, process: "subprocess.Popen[bytes]", site: Site) -> "Course":
        """Watch a scrape to its end."""
        started, requests = time.monotonic(), list[float]()
        while process.poll() is None:
            passed = time.monotonic() - started
            requests += [passed] * (len(site.asked) - len(requests))
            time.sleep(0.001)
        return cls(requests, time.monotonic() - started)

    def moments(self, chance: random.Random) -> list[float]:
        """When to kill, in the order in which the kills are to come."""
        anywhere = [chance.uniform(0, self.end) for _ in range(KILLS - KILLS_AT_THE_END)]
        last = self.requests[-1]
        moments = anywhere + [chance.uniform(last, self.end) for _ in range(KILLS_AT_THE_END)]

        def place(moment: float) -> float:
            # Every run has a time before its first request, so those moments come in between.
            return moment if moment > self.requests[0] else chance.uniform(0, self.end)

        return sorted(moments, key=place)

    def wait_for(
        self,
        moment: float,
        process: "subprocess.Popen[bytes]",
        asked: Callable[[], int],
        pace: float,
    ) -> None:
        """Wait until a run is where this one was at a moment.

        `asked` is how many addresses have been asked for, by earlier runs too. A run that finds
        enough of them done needs as long as this one to set out, and has nothing to wait for then;
        times `pace`, below 1 where it is quicker.
        """
        started = time.monotonic()
        so_far = bisect(self.requests, moment)
        if not so_far:
            time.sleep(pace * moment)
            return
        while process.poll() is None and (
            asked() < so_far or time.monotonic() - started < pace * self.requests[0]
        ):
            time.sleep(0.001)
        time.sleep(pace * (moment - self.requests[so_far - 1]))


@pytest.mark.slow
def test_twenty_kills(site: Site, tmp_path: Path) -> None:
    village(site)
    whole, killed = (workspace(tmp_path / name, site) for name in ("whole", "killed"))
    course = Course.of(scrape(whole), site)
    expected = Counter(site.asked)
    assert len(expected) == PAGES_OF_THE_SITE + 3, "robots.txt, sitemap.xml, the start page"
    assert set(expected.values()) == {1}

    chance = random.Random(12)
    runs: list[list[str]] = []

    def addresses_asked_for() -> int:
        return len({*site.asked, *(path for run in runs for path in run)})

    where: Counter[str] = Counter()
    for moment in course.moments(chance):
        before = shutil.copytree(killed.root, tmp_path / "before")
        pace = 1.0
        while True:
            site.asked.clear()
            process = scrape(killed)
            course.wait_for(moment, process, addresses_asked_for, pace)
            process.kill()
            process.wait()
            time.sleep(0.05)  # for requests that the server has yet to note
            if not (killed.raw / MANIFEST_NAME).exists():
                break
            # It had come to its end already. That run is taken back, and another one killed sooner.
            shutil.rmtree(killed.root)
            shutil.copytree(before, killed.root)
            pace *= 0.9
        assert process.returncode == -signal.SIGKILL
        shutil.rmtree(before)
        runs.append(list(site.asked))
        where[_reached(killed, addresses_asked_for())] += 1
    assert where.total() == KILLS
    assert sum(where[place] for place in where if "after" in place) >= KILLS_AT_THE_END
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
    print(f"kills: {dict(where)}")

    assert _contents(killed) == _contents(whole)
    made = [build(each).manifest for each in (killed, whole)]
    assert made[0].output_hash == made[1].output_hash
    assert made[0].counts == made[1].counts
    for folder in ("clean", "dataset"):
        assert folder_hash(killed.root / folder) == folder_hash(whole.root / folder)


def _reached(workspace: Workspace, asked: int) -> str:
    """How far a killed crawl had come."""
    all_addresses = PAGES_OF_THE_SITE + 3
    if asked < all_addresses:
        return f"in quarter {4 * asked // all_addresses + 1}"
    written = [name for name in (PAGES, FACTS) if (workspace.raw / name).exists()]
    return f"after the last request, with {' and '.join(written) or 'nothing'} written"


def _contents(workspace: Workspace) -> tuple[list[Page], bytes, bytes, str]:
    """What has to be equal: all but the times."""
    pages = read_raw(workspace.raw / PAGES, Page)
    return (
        [page.model_copy(update={"fetched_at": ""}) for page in pages],
        (workspace.raw / FACTS).read_bytes(),
        (workspace.raw / "website-failed.jsonl").read_bytes(),
        required_manifest(workspace.raw, "scrape", "scrape").output_hash,
    )
