"""Real Chromium: what its pages may ask for, when, and who may answer."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onbrand.config import Website
from onbrand.errors import UsageError
from scraper.website.browser import Access, Browser, Document, Rendered, RenderError
from scraper.website.chromium import find_chromium
from scraper.website.pace import Pace
from scraper.website.render import Renderer
from scraper.website.scope import Addresses, Scope
from scraper.website.selection import Selection
from tests.scraper.website.crawling import failed, pages, run
from tests.scraper.website.rendering import needs_chromium, settings, write
from tests.scraper.website.site import Answer, Site, answer, link, page, shell

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("profiles")]


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
def test_scripts_lead_to_no_excluded_page(site: Site, tmp_path: Path) -> None:
    frame = "const frame = document.createElement('iframe'); document.body.append(frame);"
    frame += "frame.src = '/secret/b';"
    site.pages = {
        "/": page("Home", link("/x", "/y")),
        "/x": shell(write("Mine") + frame + "location.href = '/secret/a'"),
        "/y": shell("location.href = '/z'"),
        "/z": page("Not linked", "Not excluded"),
        "/secret/a": page("Secret", "Hidden"),
    }
    run(tmp_path, settings(site, exclude=["/secret/*"]))
    found = pages(tmp_path)
    assert "<main>Mine</main>" in found[f"{site.url}/x"].html
    assert found[f"{site.url}/y"].final_url == f"{site.url}/z"
    assert not [path for path in site.asked if path.startswith("/secret")]


@needs_chromium
def test_rendering_waits_for_its_turn(site: Site, tmp_path: Path) -> None:
    """What a page loads comes as far after the page as another page would."""
    came: dict[str, float] = {}

    def at(path: str, body: bytes) -> Answer:
        def respond(request: Any) -> None:
            came[path] = time.monotonic()
            request.answer(200, body)

        return respond

    site.pages = {"/": at("/", shell(f"fetch('/data').then(() => {{ {write('Done')} }})"))}
    site.pages["/data"] = at("/data", b"x")
    run(tmp_path, settings(site, delay_seconds=2.0))
    assert came["/data"] - came["/"] >= 1.9
    assert "<main>Done</main>" in pages(tmp_path)[f"{site.url}/"].html


def test_host_that_wants_a_long_rest_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBRAND_CHROMIUM", "/bin/true")  # it is not even started
    pace = Pace(0.0, 0)
    pace.hold("bakery.example", 1000.0)
    renderer = _renderer("http://bakery.example/", pace)
    with pytest.raises(RenderError, match="left alone"):
        asyncio.run(renderer.render(Document("http://bakery.example/", "")))


def _renderer(start: str, pace: Pace) -> Renderer:
    wanted = Website(start_urls=[start])
    robots: Any = None  # nothing is asked
    selection = Selection(wanted, Scope([start]), [start])
    return Renderer(wanted, selection, Addresses([start]), robots, pace)


@needs_chromium
def test_local_network_is_closed_to_public_sites(site: Site) -> None:
    """By Chromium itself: the request is not even sent."""
    assert "<main>refused</main>" in asyncio.run(_public_page(site, lambda _: False)).html
    assert site.asked == []


@needs_chromium
def test_page_that_a_private_address_answers_is_given_up(site: Site) -> None:
    """As where a name leads elsewhere when Chromium looks it up (DNS rebinding)."""
    with pytest.raises(RenderError, match=r"^127\.0\.0\.1, which is private, answered for"):
        asyncio.run(_public_page(site, lambda url: url == "http://127.0.0.1"))
    assert site.asked == ["/data"]


async def _public_page(site: Site, may_answer: Callable[[str], bool]) -> Rendered:
    """A page of a public site that fetches from loopback."""

    async def load(_url: str, _kind: str) -> bool:
        return True

    async def take(url: str, _address: str) -> bool:
        return may_answer(url)

    site.pages["/data"] = answer(200, b"{}", Access_Control_Allow_Origin="*")
    script = f"fetch('{site.url}/data').then(() => {{ {write('taken')} }}, () => {{ "
    html = shell(script + write("refused") + "})").decode()
    chromium = find_chromium() or ""
    browser = Browser(chromium, 1, "onbrand", 30.0, Access(load, take))
    try:
        return await browser.render(Document("http://bakery.example/", html))
    finally:
        await browser.close()


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "[::1]", "[fd00::1]"])
def test_private_addresses_answer_only_a_private_site(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)

    async def may_answer(start: str, address: str) -> bool:
        return await _renderer(start, Pace(0.0, 0))._may_answer("http://bakery.example", address)

    assert not asyncio.run(may_answer("http://93.184.215.14/", address))
    assert asyncio.run(may_answer("http://127.0.0.1:8000/", address))
    assert asyncio.run(may_answer("http://93.184.215.14/", "93.184.215.15"))
    monkeypatch.setenv("http_proxy", "http://10.0.0.1:3128")
    assert asyncio.run(may_answer("http://93.184.215.14/", "10.0.0.1")), "it is the proxy's"
