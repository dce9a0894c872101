"""Real Chromium: what its pages hold, what it may not ask, and that it never stays behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from onbrand.config import Website
from onbrand.errors import OnbrandError, UsageError
from scraper.raw import Failed, Page, read_raw
from scraper.website.chromium import find_chromium
from scraper.website.crawl import CrawlResult, crawl
from tests.scraper.website.site import Site, answer, link, page, shell, slow

pytestmark = pytest.mark.slow

needs_chromium = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed (apt-get install chromium)"
)


def settings(site: Site, **values: object) -> Website:
    return Website.model_validate({"start_urls": [site.url], "timeout_seconds": 8.0, **values})


def run(folder: Path, wanted: Website) -> CrawlResult:
    return asyncio.run(crawl(wanted, folder))


def pages(folder: Path) -> dict[str, Page]:
    return {p.url: p for p in read_raw(folder / "pages.jsonl.gz", Page)}


def failed(folder: Path) -> dict[str, str]:
    return {f.locator: f.reason for f in read_raw(folder / "website-failed.jsonl", Failed)}


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's Chromiums have their profiles, which tells them from others.

    A short path, unlike tmp_path: Chromium puts a Unix socket there (107 bytes at most).
    """
    with tempfile.TemporaryDirectory(prefix="ob-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)  # read TMPDIR again
        yield Path(folder)


def chromiums(profiles: Path) -> list[int]:
    """Chromium processes that this test started and that still run."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and any(str(profiles) in argument for argument in process.info["cmdline"] or [])
    ]


def write(text: str) -> str:
    return f"document.getElementById('root').innerHTML += '<main>{text}</main>';"


@needs_chromium
def test_javascript_pages(site: Site, elsewhere: Site, profiles: Path, tmp_path: Path) -> None:
    site.pages = {
        "/robots.txt": answer(200, b"User-agent: *\nDisallow: /private/", "text/plain"),
        "/": page("Home", link("/inline", "/fetched", "/alert", "/late", "/sneaky", "/wanders")),
        "/inline": shell(write("Sourdough <a href=\"/from-script\">since</a> 1987")),
        "/from-script": page("Linked by a script", ""),
        "/fetched": shell(
            "fetch('/api').then(r => r.json()).then(d => {" + write("'+d.text+'") + "})"
        ),
        "/api": slow(1.0, b'{"text": "Opening hours from the interface"}'),
        "/alert": shell("alert('Subscribe!'); confirm('Sure?');" + write("After the dialog")),
        "/late": shell(f"setTimeout(() => {{ {write('Late words')} }}, 900)"),
        "/sneaky": shell(
            f"""
            for (const url of ['/private/data', '{elsewhere.url}/bait'])
                fetch(url).catch(() => {{}});
            new Image().src = '{elsewhere.url}/pixel.png';
            try {{ new WebSocket('ws://{elsewhere.url[7:]}/socket') }} catch (e) {{}}
            try {{ new Worker('/worker.js') }} catch (e) {{}}
            window.open('{elsewhere.url}/popup');
            const frame = document.createElement('iframe');
            frame.src = '{elsewhere.url}/frame';
            document.body.append(frame);
            {write("Nothing to see")}
            setTimeout(() => {{ location.href = '{elsewhere.url}/away' }}, 50);
            """
        ),
        "/worker.js": answer(200, f"fetch('{elsewhere.url}/worker')".encode(), "text/javascript"),
        "/wanders": shell("location.href = '/inline'"),
    }  # fmt: skip
    result = run(tmp_path, settings(site))

    found = {url.removeprefix(site.url): entry for url, entry in pages(tmp_path).items()}
    missing = f"its text may be missing: website.render_hosts does not name {elsewhere.url[7:]}"
    assert failed(tmp_path) == {f"{site.url}/sneaky": missing}
    for path, words in {
        "/inline": "since</a> 1987",
        "/fetched": "Opening hours from the interface",
        "/alert": "After the dialog",
        "/late": "Late words",
        "/sneaky": "Nothing to see",
        "/wanders": "since</a> 1987",
    }.items():
        written = found[path].html.partition("<main>")[2].partition("</main>")[0]
        assert words in written
        assert found[path].rendered
    assert found["/wanders"].final_url == f"{site.url}/inline"
    assert not found["/"].rendered
    assert "/from-script" in found, "links that scripts write are followed"
    assert result.rendered == 6

    assert elsewhere.asked == []
    assert not [path for path in site.asked if path.startswith("/private")]
    assert chromiums(profiles) == []
    assert list(profiles.iterdir()) == []


@needs_chromium
def test_page_that_loops_forever_holds_up_nothing(
    site: Site, profiles: Path, tmp_path: Path
) -> None:
    site.pages = {
        "/": page("Home", link("/endless", "/later-endless", "/z-good")),
        "/endless": shell("while (true) {}"),
        "/later-endless": shell(write("Soon") + "setTimeout(() => { while (true) {} }, 200)"),
        "/z-good": shell(write("Fine")),
    }
    started = time.monotonic()
    result = run(tmp_path, settings(site, concurrency=1, timeout_seconds=3.0))
    assert time.monotonic() - started < 2 * 3 + 10

    found = pages(tmp_path)
    assert result.pages == 4
    assert "<main>Fine</main>" in found[f"{site.url}/z-good"].html
    assert not found[f"{site.url}/endless"].rendered
    reasons = failed(tmp_path)
    assert set(reasons) == {f"{site.url}/endless", f"{site.url}/later-endless"}
    assert "did not come to rest within 3 s" in reasons[f"{site.url}/endless"]
    assert chromiums(profiles) == []
    assert list(profiles.iterdir()) == []


@needs_chromium
def test_each_page_is_seen_by_a_first_visitor(site: Site, tmp_path: Path) -> None:
    visits = (
        "const n = Number(localStorage.n || 0) + 1; localStorage.n = n; "
        "document.cookie = 'n=' + n + document.cookie;" + write("'+n+' '+document.cookie.length+'")
    )
    site.pages = {"/": page("Home", link("/a", "/b")), "/a": shell(visits), "/b": shell(visits)}
    run(tmp_path, settings(site, concurrency=1))
    found = pages(tmp_path)
    assert "<main>1 3</main>" in found[f"{site.url}/a"].html
    assert "<main>1 3</main>" in found[f"{site.url}/b"].html


@needs_chromium
def test_always_renders_what_auto_leaves(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": page("Home", "<script>document.title = 'Changed'</script>")}
    assert run(tmp_path / "auto", settings(site)).rendered == 0
    assert run(tmp_path / "always", settings(site, render="always")).rendered == 1
    assert "<title>Changed" in pages(tmp_path / "always")[f"{site.url}/"].html


@needs_chromium
def test_hosts_beyond_the_site_must_be_named(
    site: Site, elsewhere: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A script from a content delivery network, its data, and a frame that is never wanted."""
    frame = f"<iframe src='{elsewhere.url}/frame'></iframe>"
    body = shell("").replace(b"<script>", f"<script src='{elsewhere.url}/app.js'>".encode())
    site.pages = {"/": page("Home", link("/app", "/twin")), "/app": body + frame.encode()}
    site.pages["/twin"] = body
    app = f"fetch('{elsewhere.url}/data').then(r => r.json()).then(d => {{"
    app += write("'+d.text+'") + "})"
    data = {"Access_Control_Allow_Origin": "*"}
    elsewhere.pages = {
        "/app.js": answer(200, app.encode(), "text/javascript"),
        "/data": answer(200, b'{"text": "From the network"}', "application/json", **data),
    }
    host = elsewhere.url.removeprefix("http://")
    run(tmp_path / "default", settings(site))
    assert elsewhere.asked == []
    missing = f"its text may be missing: website.render_hosts does not name {host}"
    assert failed(tmp_path / "default") == dict.fromkeys(
        [f"{site.url}/app", f"{site.url}/twin"], missing
    )
    said = " ".join(capfd.readouterr().err.split())
    assert said.count("website.render_hosts") == 1, "each host is named once"

    run(tmp_path / "named", settings(site, render_hosts=[host.upper()]))
    assert "<main>From the network</main>" in pages(tmp_path / "named")[f"{site.url}/app"].html
    assert set(elsewhere.asked) == {"/app.js", "/data"}


@pytest.mark.parametrize("entry", ["https://cdn.example.net/", "*.example.net", "a/b", ""])
def test_hosts_that_cannot_be_right(site: Site, tmp_path: Path, entry: str) -> None:
    with pytest.raises(UsageError, match=r"website\.render_hosts in brand\.toml"):
        run(tmp_path, settings(site, render_hosts=[entry]))


@needs_chromium
def test_page_is_asked_for_once(site: Site, tmp_path: Path) -> None:
    """Chromium is given the page that came over plain HTTP, in the charset it was found to have."""
    written = shell(write("Crème")).decode().encode("cp1252")
    site.pages = {"/": answer(200, written, "text/html; charset=utf-8")}
    run(tmp_path, settings(site))
    assert site.times["/"] == 1
    assert "<main>Crème</main>" in pages(tmp_path)[f"{site.url}/"].html


@needs_chromium
def test_late_text_is_waited_for(site: Site, tmp_path: Path) -> None:
    """By fetch after 400 ms, by timers, frames, idle time, in chunks, and on every tab at once."""
    fetched = "fetch('/api').then(r => r.text()).then(text => {" + write("'+text+'") + "})"
    late = {
        "/fetch": f"setTimeout(() => {fetched}, 30)",
        "/timer": f"setTimeout(() => {{ {write('late')} }}, 950)",
        "/timers": f"setTimeout(() => setTimeout(() => {{ {write('late')} }}, 300), 300)",
        "/frame": "let n = 0; (function next() { ++n < 5 ? requestAnimationFrame(next) : "
        f"(() => {{ {write('late')} }})() }})()",
        "/idle": f"requestIdleCallback(() => {{ {write('late')} }})",
        "/chunk": "import('/chunk.js')",
        "/promise": "(async () => { for (let i = 0; i < 3; i++) await fetch('/api');"
        f"{write('late')} }})()",
    }
    site.pages = {"/": page("Home", link(*late)), "/api": slow(0.4, b"late")}
    site.pages["/chunk.js"] = answer(200, fetched.encode(), "text/javascript")
    site.pages |= {path: shell(script) for path, script in late.items()}
    run(tmp_path, settings(site, concurrency=4))
    found = pages(tmp_path)
    assert {
        path for path in late if "<main>late</main>" not in found[site.url + path].html
    } == set()
    assert failed(tmp_path) == {}


@needs_chromium
def test_chromium_that_dies_is_started_again(site: Site, profiles: Path, tmp_path: Path) -> None:
    """Killed once while it loads two pages: both are there in the end."""

    def kill_once(request: Any) -> None:
        if site.times["/kill"] == 1:
            for pid in chromiums(profiles):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        request.answer(200, b"done")

    wait = "fetch('/kill').then(r => r.text()).then(text => {" + write("'+text+'") + "})"
    site.pages = {"/": page("Home", link("/a", "/b")), "/kill": kill_once}
    site.pages |= {
        "/a": shell(wait),
        "/b": shell("fetch('/slow').then(() => {" + write("b") + "})"),
    }
    site.pages["/slow"] = slow(1.0, b"")
    run(tmp_path, settings(site))
    found = pages(tmp_path)
    assert failed(tmp_path) == {}
    assert "<main>done</main>" in found[f"{site.url}/a"].html
    assert "<main>b</main>" in found[f"{site.url}/b"].html
    assert chromiums(profiles) == []


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
    with pytest.raises(OnbrandError, match=r"always.*needs Chromium.*apt-get install chromium"):
        run(tmp_path, settings(site, render="always"))


def test_chromium_that_does_not_start(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'libnss3.so is missing' >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("ONBRAND_CHROMIUM", str(broken))
    site.pages = {"/": shell(write("A"))}
    assert run(tmp_path / "auto", settings(site)).pages == 1
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
    _wait_until(lambda: site.times["/started.js"])
    assert chromiums(profiles)
    os.kill(process.pid, end)
    _, said = process.communicate(timeout=10)
    assert process.returncode != 0
    assert "never retrieved" not in said
    assert "was destroyed" not in said
    _wait_until(lambda: not chromiums(profiles))
    _wait_until(lambda: not list(profiles.iterdir()))


def _wait_until(true: Callable[[], object], seconds: float = 20.0) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)
