"""What is connected to: only addresses that have been checked, whatever a name resolves to."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onbrand.config import Website
from scraper.raw import Failed, Page, read_raw
from scraper.website.connection import Proxies
from scraper.website.crawl import crawl
from scraper.website.fetch import Fetcher, FetchError
from scraper.website.scope import Addresses
from tests.scraper.website.site import Site, answer, link, page, redirect


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Iterator[str]]:
    """Host names of these tests, each with the addresses that its lookups give in turn."""
    known: dict[str, Iterator[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in known:
            return real(next(known[host]), port, *args, **kwargs)
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def fetch(start: str, url: str) -> int:
    async def get() -> int:
        fetcher = Fetcher(Website(start_urls=[start], timeout_seconds=2), Addresses([start]))
        try:
            return (await fetcher.get(url)).status
        finally:
            await fetcher.close()

    return asyncio.run(get())


def test_name_that_changes_between_check_and_connection(
    site: Site, names: dict[str, Iterator[str]]
) -> None:
    """DNS rebinding: public when it is checked, this machine when it is connected to."""
    names["rebound.example"] = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])
    url = f"http://rebound.example:{site.server_port}/"
    with pytest.raises(FetchError, match="its address is private"):
        fetch("http://93.184.215.14/", url)
    assert site.asked == []


def test_start_url_that_turns_private(site: Site, names: dict[str, Iterator[str]]) -> None:
    names["start.example"] = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])
    url = f"http://start.example:{site.server_port}/"
    with pytest.raises(FetchError, match="its address is private"):
        fetch(url, url)
    assert site.asked == []


def test_private_start_is_asked_under_its_name(
    site: Site, names: dict[str, Iterator[str]], tmp_path: Path
) -> None:
    def respond(request: Any) -> None:
        request.answer(200, page(request.headers["Host"], link("/a")))

    site.pages = {"/": respond, "/a": redirect("/b"), "/b": page("B", "")}
    names["intranet.example"] = iter(["127.0.0.1"] * 50)
    start = f"http://intranet.example:{site.server_port}/"
    asyncio.run(crawl(Website(start_urls=[start], render="never"), tmp_path))
    found = {p.url: p.html for p in read_raw(tmp_path / "pages.jsonl.gz", Page)}
    assert found.keys() == {start, f"{start}b"}
    assert f"intranet.example:{site.server_port}" in found[start]


def test_host_of_the_site_with_a_private_address(
    elsewhere: Site, names: dict[str, Iterator[str]]
) -> None:
    names["www.brand.example"] = iter(["93.184.215.14"] * 9)
    names["inner.brand.example"] = iter(["127.0.0.1"] * 9)
    inner = f"http://inner.brand.example:{elsewhere.server_port}"
    with pytest.raises(FetchError, match="its address is private"):
        fetch("http://www.brand.example/", f"{inner}/robots.txt")
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"],
)
def test_other_spellings_of_this_machine(site: Site, host: str) -> None:
    with pytest.raises(FetchError):
        fetch("http://93.184.215.14/", f"http://{host}:{site.server_port}/")
    assert site.asked == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls_is_checked_against_the_name(
    names: dict[str, Iterator[str]], tmp_path: Path, site: Site
) -> None:
    """The connection goes to an address, yet the certificate has to be the name's."""
    certificate = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    names["secure.example"] = iter(["127.0.0.1"] * 9)
    url = f"https://secure.example:{site.server_port}/"
    with pytest.raises(FetchError, match="its TLS certificate is not valid"):
        fetch(url, url)
    assert asked == ["secure.example"]


def _self_signed(folder: Path) -> Path:
    path = folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=other.example", "-keyout", str(path), "-out", str(folder / "c.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + (folder / "c.pem").read_text())
    return path


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert Proxies().proxy_for("http://example.com/") is None
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "brand.example")
    proxies = Proxies()
    assert proxies.hosts == {"proxy.example"}
    assert proxies.proxy_for("http://example.com/") == "http://proxy.example:3128"
    assert proxies.proxy_for("https://example.com/") is None
    assert proxies.proxy_for("http://www.brand.example/") is None
    assert proxies.proxy_for("http://127.0.0.1:8000/") is None


def test_proxy_is_used(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy looks names up, and may itself have a private address."""
    monkeypatch.setenv("http_proxy", site.url)
    start = "http://www.brand-behind-a-proxy.example/"
    site.pages = {start: page("Home", ""), f"{start}robots.txt": answer(404)}
    asyncio.run(crawl(Website(start_urls=[start], render="never"), tmp_path))
    assert [p.url for p in read_raw(tmp_path / "pages.jsonl.gz", Page)] == [start]
    assert list(read_raw(tmp_path / "website-failed.jsonl", Failed)) == []
