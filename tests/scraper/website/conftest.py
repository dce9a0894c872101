from collections.abc import Iterator
from pathlib import Path

import pytest

from scraper.website import fetch
from tests.scraper.website.rendering import own_profiles
from tests.scraper.website.site import Site, serve


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    """Another server on loopback, which nothing may ask."""
    with Site() as site:
        serve(site)
        yield site
        site.shutdown()


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of this test's Chromiums. `tmp_path` is named so that it is not made in there."""
    with own_profiles(monkeypatch) as folder:
        yield folder


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "BACKOFF_SECONDS", 0.05)
