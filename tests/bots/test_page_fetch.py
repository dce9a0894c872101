"""Pages fetched over HTTP from a server on this machine, and addresses that must not be asked."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bots.conversation import page_fetch
from bots.conversation.own_pages import OwnSite
from onbrand.errors import OnbrandError

pytestmark = pytest.mark.anyio

ARTICLE = "<html><head><title>Chai</title></head><body><article><p>{}</p></article></body></html>"
TEXT = "Chai is a tea that people in Pakistan drink with milk, at any time of the day, every day."


@asynccontextmanager
async def site() -> AsyncIterator[tuple[str, list[str]]]:
    """A site; yields its URL and the paths that were asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        match request.path:
            case "/chai":
                return web.Response(text=ARTICLE.format(TEXT), content_type="text/html")
            case "/moved":
                raise web.HTTPFound("/chai")
            case "/away":
                raise web.HTTPFound("http://evil.example/")
            case "/round":
                raise web.HTTPFound("/round")
            case "/image":
                return web.Response(body=b"\x89PNG", content_type="image/png")
            case "/empty":
                return web.Response(text="<html></html>", content_type="text/html")
            case "/endless":
                return await _endless(request)
            case "/slow":
                await asyncio.sleep(60)
        return web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    try:
        yield server.name.rstrip("/"), asked
    finally:
        await runner.cleanup()


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    while True:
        await response.write(b"<p>tea</p>" * 10_000)


async def test_the_main_text_of_a_page(tmp_path: Path) -> None:
    async with site() as (url, _):
        page = await OwnSite([url], tmp_path / "none.jsonl").read(f"{url}/chai")
    assert page.title == "Chai"
    assert TEXT in page.text


async def test_a_redirect_on_the_own_host_is_followed(tmp_path: Path) -> None:
    async with site() as (url, asked):
        page = await OwnSite([url], tmp_path / "none.jsonl").read(f"{url}/moved")
    assert TEXT in page.text
    assert asked == ["/moved", "/chai"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/away", "it leads to another site."),
        ("/round", "it is redirected too often."),
        ("/image", "it is no page with text."),
        ("/empty", "I found no text in it."),
        ("/endless", "it is too large."),
        ("/missing", "the site answered 404."),
    ],
)
async def test_what_cannot_be_read_is_said(tmp_path: Path, path: str, why: str) -> None:
    async with site() as (url, _):
        with pytest.raises(OnbrandError) as failure:
            await OwnSite([url], tmp_path / "none.jsonl").read(url + path)
    assert str(failure.value) == f"I did not read {url}{path}: {why}"


async def test_a_slow_page_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_fetch, "SECONDS", 0.3)
    async with site() as (url, _):
        with pytest.raises(OnbrandError, match="it took too long"):
            await OwnSite([url], tmp_path / "none.jsonl").read(f"{url}/slow")


async def test_nobody_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with pytest.raises(OnbrandError, match="it cannot be reached"):
        await OwnSite([url], tmp_path / "none.jsonl").read(f"{url}/chai")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433"]
)
async def test_private_addresses_are_not_asked_for_a_public_brand(host: str) -> None:
    # Whatever the name of the brand's host leads to: only public addresses are connected to.
    async with site() as (url, asked):
        port = url.rpartition(":")[2]
        with pytest.raises(OnbrandError, match="it cannot be reached"):
            await page_fetch.fetch_page(
                f"http://{host}:{port}/chai", lambda _: True, ["https://1.1.1.1/"]
            )
    assert asked == []


async def test_a_name_that_leads_to_a_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as (url, asked):
        port = int(url.rpartition(":")[2])

        async def look_up(host: str, *_: object) -> list[str]:
            return ["127.0.0.1"] if host == "rebound.example.com" else ["93.184.216.34"]

        monkeypatch.setattr(page_fetch, "look_up", look_up)
        with pytest.raises(OnbrandError, match="it cannot be reached"):
            await page_fetch.fetch_page(
                f"http://rebound.example.com:{port}/chai", lambda _: True, ["https://example.com/"]
            )
    assert asked == []


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "224.0.0.1", "::", "fd00::1"],
)
async def test_addresses_that_are_no_public_hosts(host: str) -> None:
    with pytest.raises(OSError, match="private address"):
        await page_fetch._PublicResolver(["https://1.1.1.1/"]).check(host)
