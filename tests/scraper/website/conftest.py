from collections.abc import Iterator

import pytest

from scraper.website import fetch
from tests.scraper.website.site import Site, serve


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    """Another server on loopback, which nothing may ask."""
    with Site() as site:
        serve(site)
        yield site
        site.shutdown()


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "BACKOFF_SECONDS", 0.05)
