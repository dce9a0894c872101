import traceback

import pytest

from onbrand.config import Limits
from onbrand.errors import UsageError
from serving.limits.configured import REDIS_URL, open_counters
from serving.limits.memory import MemoryCounters

pytestmark = pytest.mark.anyio


async def test_memory_without_a_url() -> None:
    async with open_counters(Limits()) as counters:
        assert isinstance(counters, MemoryCounters)


@pytest.mark.parametrize("url", ["redis://:pass-word@host/0", "unix:///r?password=pass-word"])
async def test_a_password_belongs_into_the_environment(url: str) -> None:
    with pytest.raises(UsageError, match=f"put it into {REDIS_URL} instead"):
        async with open_counters(Limits(redis_url=url)):
            pass


@pytest.mark.parametrize(
    "url", ["http://:pass-word@host", "redis://:pass-word@host:x", "redis://:pass-word@h/0?no=1"]
)
async def test_urls_that_cannot_be_right(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REDIS_URL, url)
    with pytest.raises(UsageError, match=f"{REDIS_URL} is not a URL such as") as refused:
        async with open_counters(Limits()):
            pass
    assert "pass-word" not in "".join(traceback.format_exception(refused.value))
    monkeypatch.delenv(REDIS_URL)
    with pytest.raises(UsageError):
        async with open_counters(Limits(redis_url="nonsense")):
            pass


async def test_no_password_in_any_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(REDIS_URL, "redis://:pass-word@127.0.0.1:1/0")
    async with open_counters(Limits()) as counters:
        assert await counters.total("x") == 0
    assert "Redis does not answer" in caplog.text
    assert "pass-word" not in caplog.text
