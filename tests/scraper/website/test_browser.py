"""Real Chromium: what its pages hold."""

import time
from pathlib import Path

import pytest

from tests.scraper.website.crawling import failed, pages, run
from tests.scraper.website.rendering import chromiums, needs_chromium, settings, write
from tests.scraper.website.site import WORDS, Site, answer, link, page, shell, slow

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("profiles")]


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
def test_requests_are_waited_for_while_the_document_goes_on(site: Site, tmp_path: Path) -> None:
    """More than two seconds, by scripts that write scripts, and beside a spinner."""
    fetched = "fetch('/api').then(r => r.text()).then(text => {" + write("'+text+'") + "})"
    spinner = (
        "const spin = document.createElement('b'); document.body.append(spin); let n = 0;"
        "setInterval(() => { spin.textContent = '.'.repeat(n++ % 4) }, 30);"
    )
    one = "document.write('<script src=/two.js></script>')"
    site.pages = {
        "/": page("Home", link("/writes", "/spins")),
        "/writes": shell("document.write('<script src=/one.js><\\/script>')"),
        "/one.js": answer(200, one.encode(), "text/javascript"),
        "/two.js": slow(2.5, write("late").encode()),
        "/spins": shell(f"{spinner} fetch('/').then(() => setTimeout(() => {{ {fetched} }}, 50))"),
        "/api": slow(2.5, b"late"),
    }
    run(tmp_path, settings(site))
    found = pages(tmp_path)
    assert "<main>late</main>" in found[f"{site.url}/writes"].html
    assert "<main>late</main>" in found[f"{site.url}/spins"].html
    assert failed(tmp_path) == {}


@needs_chromium
def test_page_that_is_read_while_it_loads_is_named(site: Site, tmp_path: Path) -> None:
    """Where the text is there all the same, there is nothing to say."""
    fetched = "fetch('/api').then(r => r.text()).then(text => {" + write("'+text+'") + "});"
    site.pages = {"/": page("Home", link("/a", "/full")), "/api": slow(12, b"late")}
    site.pages |= {"/a": shell(fetched), "/full": shell(fetched + write(WORDS))}
    result = run(tmp_path, settings(site, timeout_seconds=6.0))
    assert result.rendered == 2
    missing = "its text may be missing: it was still loading after 3 s"
    assert failed(tmp_path) == {f"{site.url}/a": missing}
