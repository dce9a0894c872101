"""A real Redis, and every kind of counters."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from onbrand.config import Limits
from serving.limits.configured import REDIS_URL, open_counters
from serving.limits.counters import Counters
from tests.serving.servers import Server, redis, redis_url


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_redis_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REDIS_URL, raising=False)


@pytest.fixture(params=["memory", "redis"])
async def counters(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counters]:
    """Of `[limits]`, as the gateway opens them."""
    url = ""
    if request.param == "redis":
        url = redis_url(request.getfixturevalue("redis_server"))
    async with open_counters(Limits(redis_url=url)) as opened:
        yield opened
