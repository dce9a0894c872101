"""The Chromium process: it may be missing, die or hang, and never stays behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from onbrand.errors import OnbrandError
from scraper.website.browser import Access, Browser
from scraper.website.chromium import find_chromium, start_chromium
from scraper.website.tab import Tab
from tests.scraper.website.crawling import failed, pages, run
from tests.scraper.website.rendering import chromiums, needs_chromium, settings, wait_until, write
from tests.scraper.website.site import Site, answer, link, page, shell, slow

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("profiles")]


def send_once(site: Site, profiles: Path, sign: signal.Signals) -> None:
    """Make `/signal` send the signal to all of Chromium when it is first asked for."""

    def respond(request: Any) -> None:
        if site.times["/signal"] == 1:
            for pid in chromiums(profiles):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
        request.answer(200, b"done")

    site.pages["/signal"] = respond


WAIT = "fetch('/signal').then(r => r.text()).then(text => {" + write("'+text+'") + "})"


@needs_chromium
def test_chromium_that_dies_is_started_again(site: Site, profiles: Path, tmp_path: Path) -> None:
    """Killed once while it loads two pages: both are there in the end, and soon."""
    site.pages = {"/": page("Home", link("/a", "/b")), "/a": shell(WAIT)}
    site.pages["/b"] = shell("fetch('/slow').then(() => {" + write("b") + "})")
    site.pages["/slow"] = slow(1.0, b"")
    send_once(site, profiles, signal.SIGKILL)
    started = time.monotonic()
    run(tmp_path, settings(site, timeout_seconds=80.0))
    assert time.monotonic() - started < 30, "nobody waits for what a dead Chromium would say"
    found = pages(tmp_path)
    assert failed(tmp_path) == {}
    assert "<main>done</main>" in found[f"{site.url}/a"].html
    assert "<main>b</main>" in found[f"{site.url}/b"].html
    assert chromiums(profiles) == []
    assert list(profiles.iterdir()) == []


@needs_chromium
def test_chromium_that_hangs_is_started_again(site: Site, profiles: Path, tmp_path: Path) -> None:
    """Stopped once as a whole: while it loads a page, and while it opens tabs."""
    site.pages = {"/": page("Home", link("/a", "/b", "/c")), "/a": shell(WAIT)}
    site.pages["/b"] = shell("fetch('/slow').then(() => {" + write("b") + "})")
    site.pages["/c"] = slow(0.6, shell(write("c")))
    site.pages["/slow"] = slow(1.0, b"")
    send_once(site, profiles, signal.SIGSTOP)
    run(tmp_path, settings(site, timeout_seconds=8.0))
    found = pages(tmp_path)
    assert failed(tmp_path) == {}
    for path, words in {"/a": "done", "/b": "b", "/c": "c"}.items():
        assert f"<main>{words}</main>" in found[site.url + path].html
    assert chromiums(profiles) == []
    assert list(profiles.iterdir()) == []


@needs_chromium
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_chromium_that_goes_while_a_tab_opens_is_started_again(
    site: Site,
    profiles: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    sign: signal.Signals,
) -> None:
    """The second tab is only lost; other pages wait for it meanwhile."""
    opened: list[Tab] = []
    really_open = Tab.open

    async def open_late(tab: Tab, user_agent: str) -> None:
        opened.append(tab)
        if len(opened) == 2:
            while not site.times["/signal"]:
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.0)
        await really_open(tab, user_agent)

    monkeypatch.setattr(Tab, "open", open_late)
    site.pages = {"/": page("Home", link("/a", "/b", "/c")), "/a": shell(WAIT)}
    site.pages |= {"/b": slow(0.2, shell(write("b"))), "/c": slow(0.4, shell(write("c")))}
    send_once(site, profiles, sign)
    run(tmp_path, settings(site, timeout_seconds=8.0))
    found = pages(tmp_path)
    assert failed(tmp_path) == {}
    for path, words in {"/a": "done", "/b": "b", "/c": "c"}.items():
        assert f"<main>{words}</main>" in found[site.url + path].html
    assert "Install" not in capfd.readouterr().err
    assert chromiums(profiles) == []
    assert list(profiles.iterdir()) == []


def test_chromium_that_was_started_meanwhile_is_left_alone() -> None:
    """A tab takes seconds to close where Chromium hangs; another one may be there by then."""

    async def allow(*_: str) -> bool:
        return True

    class Gone:
        is_open = False

        async def close(self) -> bool:
            browser._connection = new
            return False

    class Killed:
        async def kill(self) -> None:
            assert browser._process is browser._connection is None
            killed.append(self)

    async def throw_away() -> None:
        browser._process = process
        browser._connection = Gone()  # type: ignore[assignment]
        assert not await browser._throw_away(browser._connection, Gone())  # type: ignore[arg-type]
        assert killed == []
        assert browser._connection is new
        await browser.close()
        assert killed == [process]

    killed: list[Killed] = []
    new: Any = Gone()
    process: Any = Killed()
    browser = Browser("chromium", 1, "onbrand", 1.0, Access(allow, allow))
    asyncio.run(throw_away())


@needs_chromium
def test_killing_chromium_does_not_hold_up_the_crawl(monkeypatch: pytest.MonkeyPatch) -> None:
    remove = shutil.rmtree

    def remove_slowly(*arguments: Any, **options: Any) -> None:
        time.sleep(1.0)
        remove(*arguments, **options)

    async def kill() -> int:
        process, _ = await start_chromium(find_chromium() or "", may_be_local=False)
        killing = asyncio.create_task(process.kill())
        turns = 0
        while not killing.done():
            await asyncio.sleep(0.01)
            turns += 1
        return turns

    monkeypatch.setattr(shutil, "rmtree", remove_slowly)
    assert asyncio.run(kill()) > 10


@needs_chromium
def test_sandbox_is_left_only_where_chromium_does_not_start_with_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper, log = tmp_path / "chromium", tmp_path / "log"
    wrapper.write_text(
        f'#!/bin/sh\necho "$*" >> {log}\n'
        'case "$*" in *--no-sandbox*) exec ' + str(find_chromium()) + ' "$@";; esac\n'
        "echo 'FATAL: No usable sandbox! Update your kernel' >&2\nexit 1\n"
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("ONBRAND_CHROMIUM", str(wrapper))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    site.pages = {"/": shell(write("A"))}
    assert run(tmp_path / "raw", settings(site)).rendered == 1
    first, second = log.read_text().splitlines()
    assert "--no-sandbox" not in first
    assert "--no-sandbox" in second


def test_without_chromium(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ONBRAND_CHROMIUM", "/no/such/chromium")
    site.pages = {"/": page("Home", link("/a", "/b"))}
    site.pages |= {"/a": shell(write("A")), "/b": shell(write("B"))}
    assert run(tmp_path, settings(site)).pages == 3
    assert not any(entry.rendered for entry in pages(tmp_path).values())
    notes = " ".join(capfd.readouterr().err.split())
    assert notes.count("apt-get install chromium") == 1
    kept = "kept as it came, for Chromium could not render it: Chromium is not installed"
    assert failed(tmp_path) == {f"{site.url}/a": kept, f"{site.url}/b": kept}
    with pytest.raises(OnbrandError, match=r"always.*needs Chromium.*apt-get install chromium"):
        run(tmp_path, settings(site, render="always"))


def test_chromium_that_does_not_start(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken, log = tmp_path / "chromium", tmp_path / "log"
    broken.write_text(
        f"#!/bin/sh\necho started >> {log}\necho 'libnss3.so is missing' >&2\nexit 127\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("ONBRAND_CHROMIUM", str(broken))
    paths = ["/a", "/b", "/c", "/d"]
    site.pages = {"/": page("Home", link(*paths))} | {path: shell(write("A")) for path in paths}
    assert run(tmp_path / "auto", settings(site, concurrency=4)).pages == 5
    reason = "Chromium does not start (libnss3.so is missing)"
    kept = f"kept as it came, for Chromium could not render it: {reason}"
    assert failed(tmp_path / "auto") == dict.fromkeys((site.url + path for path in paths), kept)
    said = " ".join(capfd.readouterr().err.split())
    assert said.count("Install it") == 1
    assert log.read_text().count("started") == 1, "it is not tried again for every page"
    with pytest.raises(OnbrandError, match=r"does not start \(libnss3\.so is missing\)"):
        run(tmp_path / "always", settings(site, render="always"))


CRAWL = """
import asyncio, sys
from pathlib import Path
from onbrand.config import Website
from scraper.website.crawl import crawl
asyncio.run(crawl(Website(start_urls=[sys.argv[1]], timeout_seconds=60), Path(sys.argv[2])))
"""


@needs_chromium
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_chromium_outlives_the_crawl(
    site: Site, profiles: Path, tmp_path: Path, end: signal.Signals
) -> None:
    site.pages = {
        "/": shell("document.write('<script src=/started.js><\\/script>')"),
        "/started.js": answer(200, b"while (true) {}", "text/javascript"),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", CRAWL, site.url, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: site.times["/started.js"])
    assert chromiums(profiles)
    os.kill(process.pid, end)
    _, said = process.communicate(timeout=10)
    assert process.returncode != 0
    assert "never retrieved" not in said
    assert "was destroyed" not in said
    wait_until(lambda: not chromiums(profiles))
    wait_until(lambda: not list(profiles.iterdir()))
