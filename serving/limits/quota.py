"""Whether a user or key may ask once more, by `[limits]`."""

import asyncio
import math
import time
from dataclasses import dataclass

from onbrand.config import Limits
from onbrand.plural import plural
from serving.limits.counters import Counters, Window

_MINUTE, _DAY = 60, 86_400


@dataclass(frozen=True)
class Exceeded:
    """A limit that is used up."""

    limit: str
    """The setting in `[limits]`, also where a key has its own value for it."""
    message: str
    retry_after: int
    """Seconds until it is worth another try."""


class Quota:
    """The limits of all users and keys.

    A request that is refused counts nowhere. Tokens are known only once an answer has ended: a user
    who is over the day's tokens is refused from the next request on, until midnight UTC.
    """

    def __init__(self, settings: Limits, counters: Counters) -> None:
        self._settings = settings
        self._counters = counters
        self._noting: set[asyncio.Task[None]] = set()

    async def take(
        self, user: str, key_id: str, key_per_minute: int | None, ticket: str = ""
    ) -> Exceeded | None:
        """Count a request; what is used up, if anything is.

        Args:
            user: Who asks; "" is limited by key only.
            key_id: With which key; "" is not limited.
            key_per_minute: The key's own limit, 0 for none; None: `limits.key_per_minute`.
            ticket: A name of its own, for `give_back`.
        """
        most = self._settings.user_tokens_per_day
        if user and most and await self._counters.total(_today(user)) >= most:
            return _exceeded("user_tokens_per_day", plural(most, "token"), _until_midnight())
        limits = self._windows(user, key_id, key_per_minute)
        windows = [window for _, window in limits]
        waits = await self._counters.take(windows, ticket) if windows else []
        if not any(waits):
            return None
        # The longest wait: after a shorter one, the same request would be refused again.
        wait, (limit, window) = max(zip(waits, limits, strict=True), key=lambda pair: pair[0])
        return _exceeded(limit, plural(window.limit, "request"), wait)

    async def give_back(
        self, user: str, key_id: str, key_per_minute: int | None, ticket: str
    ) -> None:
        """Count a request no more: it got no answer. The arguments are those of `take`."""
        windows = [window for _, window in self._windows(user, key_id, key_per_minute)]
        await self._counters.give_back(windows, ticket)

    def spent(self, user: str, tokens: int) -> None:
        """Note the tokens of an answer that has ended; does not wait."""
        if user and self._settings.user_tokens_per_day:
            noting = asyncio.create_task(self._counters.add(_today(user), tokens, 2 * _DAY))
            self._noting.add(noting)
            noting.add_done_callback(self._noting.discard)

    def _windows(
        self, user: str, key_id: str, key_per_minute: int | None
    ) -> list[tuple[str, Window]]:
        """The limits that apply, each with the name of its setting."""
        limits = self._settings
        per_key = limits.key_per_minute if key_per_minute is None else key_per_minute
        windows = []
        if user:
            windows += [
                ("user_per_minute", Window(f"user-minute:{user}", limits.user_per_minute, _MINUTE)),
                ("user_per_day", Window(f"user-day:{user}", limits.user_per_day, _DAY)),
            ]
        if key_id:
            windows += [("key_per_minute", Window(f"key-minute:{key_id}", per_key, _MINUTE))]
        return [(name, window) for name, window in windows if window.limit]


_OF_WHAT = {
    "user_per_minute": "a minute for one user",
    "user_per_day": "a day for one user",
    "user_tokens_per_day": "a day for one user",
    "key_per_minute": "a minute with one key",
}


def _exceeded(limit: str, count: str, wait: float) -> Exceeded:
    seconds = max(math.ceil(wait), 1)
    message = f"The limit of {count} {_OF_WHAT[limit]} is used up; try again in {seconds:,} s."
    return Exceeded(limit, message, seconds)


def _today(user: str) -> str:
    return f"tokens:{int(time.time() // _DAY)}:{user}"


def _until_midnight() -> float:
    return _DAY - time.time() % _DAY
