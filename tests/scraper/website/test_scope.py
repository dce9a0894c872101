import asyncio

import pytest

from scraper.website.scope import Addresses, Scope, site_of


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.example.co.uk/a", "example.co.uk"),
        ("http://example.com:8080/", "example.com"),
        ("https://saltmarsh.github.io/", "saltmarsh.github.io"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("https://localhost/", "localhost:443"),
        ("http://[::1]:81/", "::1:81"),
    ],
)
def test_site(url: str, site: str) -> None:
    assert site_of(url) == site


def test_scope_is_the_registrable_domain() -> None:
    scope = Scope(["https://www.example.co.uk/shop"])
    assert "http://blog.example.co.uk/" in scope
    assert "https://example.co.uk.evil.com/" not in scope
    assert "https://other.co.uk/" not in scope


def test_scope_of_an_address_is_host_and_port() -> None:
    scope = Scope(["http://127.0.0.1:8000/"])
    assert "http://127.0.0.1:8000/a" in scope
    assert "http://127.0.0.1:8001/" not in scope
    assert "http://localhost:8000/" not in scope


@pytest.mark.parametrize(
    "private", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[fe80::1]"]
)
def test_private_addresses_are_asked_only_from_a_private_start(private: str) -> None:
    url = f"http://{private}/"
    assert not asyncio.run(Addresses(["http://93.184.215.14/"]).may_ask(url))
    assert asyncio.run(Addresses(["http://127.0.0.1:8000/"]).may_ask(url))
    assert asyncio.run(Addresses(["http://127.0.0.1/"]).may_ask("http://93.184.215.14/"))
