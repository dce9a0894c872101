import asyncio
import time

import pytest

from onbrand.config import Limits
from serving.limits import quota as quotas
from serving.limits.counters import Counters
from serving.limits.quota import Quota

pytestmark = pytest.mark.anyio


async def settle() -> None:
    """Let what was spent be noted."""
    await asyncio.sleep(0.1)


async def test_no_limit_refuses_nobody(counters: Counters) -> None:
    quota = Quota(Limits(), counters)
    for _ in range(100):
        assert await quota.take("maria", "key", None) is None
    quota.spent("maria", 10**9)
    await settle()
    assert await quota.take("maria", "key", None) is None


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"user_per_minute": 2}, "The limit of 2 requests a minute for one user is used up; "),
        ({"user_per_day": 2}, "The limit of 2 requests a day for one user is used up; "),
        ({"key_per_minute": 2}, "The limit of 2 requests a minute with one key is used up; "),
    ],
)
async def test_each_limit_says_which_it_is(
    counters: Counters, limits: dict[str, int], says: str
) -> None:
    quota = Quota(Limits(**limits), counters)
    who = next(iter(limits))  # Redis remembers the other cases' users
    for _ in range(2):
        assert await quota.take(who, who, None) is None
    refused = await quota.take(who, who, None)
    assert refused is not None
    assert refused.limit == who
    assert refused.message == f"{says}try again in {refused.retry_after:,} s."
    window = 86_400 if who == "user_per_day" else 60
    assert window - 5 <= refused.retry_after <= window
    assert await quota.take("another", "another", None) is None


async def test_a_request_without_user_or_key_has_no_limit(counters: Counters) -> None:
    quota = Quota(Limits(user_per_minute=1, key_per_minute=1, user_tokens_per_day=1), counters)
    quota.spent("", 100)
    await settle()
    for _ in range(5):
        assert await quota.take("", "", None) is None


async def test_a_key_may_have_a_limit_of_its_own(counters: Counters) -> None:
    quota = Quota(Limits(key_per_minute=1), counters)
    assert await quota.take("", "generous", 2) is None
    assert await quota.take("", "generous", 2) is None
    assert await quota.take("", "generous", 2) is not None
    for _ in range(5):
        assert await quota.take("", "unlimited", 0) is None


async def test_who_is_refused_for_the_key_keeps_the_users_quota(counters: Counters) -> None:
    quota = Quota(Limits(user_per_minute=2, key_per_minute=1), counters)
    assert await quota.take("asif", "shared", None) is None
    for _ in range(10):
        refused = await quota.take("asif", "shared", None)
        assert refused is not None
        assert refused.limit == "key_per_minute"
    assert await quota.take("asif", "own", None) is None


async def test_a_request_without_an_answer_is_given_back(counters: Counters) -> None:
    quota = Quota(Limits(user_per_minute=2, user_per_day=2, key_per_minute=2), counters)
    for number in range(5):
        assert await quota.take("lena", "hers", None, f"{number}") is None
        await quota.give_back("lena", "hers", None, f"{number}")
    await quota.give_back("", "", None, "limited by nothing")
    for _ in range(2):
        assert await quota.take("lena", "hers", None) is None
    assert await quota.take("lena", "hers", None) is not None


async def test_tokens_are_counted_after_the_answer(
    counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = Quota(Limits(user_tokens_per_day=100), counters)
    assert await quota.take("noor", "", None) is None
    quota.spent("noor", 99)
    await settle()
    assert await quota.take("noor", "", None) is None
    quota.spent("noor", 400)
    await settle()
    refused = await quota.take("noor", "", None)
    assert refused is not None
    assert refused.limit == "user_tokens_per_day"
    assert refused.message.startswith("The limit of 100 tokens a day for one user is used up;")
    tomorrow = time.time() + refused.retry_after
    assert abs(tomorrow - round(tomorrow / 86_400) * 86_400) < 2
    assert await quota.take("another", "", None) is None

    monkeypatch.setattr(quotas.time, "time", lambda: tomorrow)
    assert await quota.take("noor", "", None) is None
