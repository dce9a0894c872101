"""Apify's API on loopback."""

from collections.abc import Iterator

import pytest

from tests.scraper.social.apify_server import Apify, serving


@pytest.fixture
def apify() -> Iterator[Apify]:
    with serving() as state:
        yield state
