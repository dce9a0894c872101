"""How people are called: display names by user id."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping

from cachetools import LRUCache
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.web import ERRORS, code, will_pass

_log = logging.getLogger(__name__)
_KEPT = 2_000
_AT_ONCE = 10
_SOON_SECONDS = 0.04


class Names(Mapping[str, str]):
    """The names that were asked for so far; without the scope `users:read` there are none.

    Args:
        client: For asking.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._names: LRUCache[str, str] = LRUCache(_KEPT)
        self._nameless: LRUCache[str, bool] = LRUCache(_KEPT)
        """Whom Slack does not know, or does not show us."""
        self._allowed = True
        self._asking: dict[str, asyncio.Task[None]] = {}

    def __getitem__(self, user: str) -> str:
        """The name of a user."""
        return self._names[user]

    def __iter__(self) -> Iterator[str]:
        """The ids of all whose names are known."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many names are known."""
        return len(self._names)

    def know(self, user: str, name: str) -> None:
        """Remember a name, of ourselves say."""
        self._names[user] = name

    async def learn(self, users: Iterable[str]) -> None:
        """Ask for the names that are not known yet; who cannot be asked for stays unknown."""
        new = [user for user in dict.fromkeys(users) if user[:1] in "UW" and user not in self]
        new = [user for user in new if user not in self._nameless]
        if not self._allowed:
            return
        for user in new[:_AT_ONCE]:
            if user not in self._asking:
                self._asking[user] = asyncio.create_task(self._ask(user))
        asked = {self._asking[user] for user in new if user in self._asking}
        if asked:
            await asyncio.wait(asked)

    async def learn_soon(self, users: Iterable[str]) -> None:
        """The same, for no longer than an acknowledgement can wait; what comes later is kept."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.learn(users), _SOON_SECONDS)

    async def _ask(self, user: str) -> None:
        try:
            answer = await self._client.users_info(user=user)
        except ERRORS as error:
            del self._asking[user]
            if code(error) == "missing_scope":
                self._allowed = False
                _log.info("Without the scope users:read people are called by their ids.")
            elif not will_pass(error):
                self._nameless[user] = True
            return
        person = answer.get("user") or {}
        profile = person.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or person.get("name")
        del self._asking[user]
        self._names[user] = str(name or user)
