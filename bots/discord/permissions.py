"""What the bot must be allowed to do, and how it says that it is not."""

import logging

import discord
from cachetools import LRUCache

from bots.discord.posting import NotAllowedError, persist
from bots.platform import UndeliverableError
from bots.question import Question
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
_DM_SECONDS = 20.0
_REMEMBERED = 2_000
"""Channels and askers that were told. Who has long not asked may be told again."""

NEEDED = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "read_message_history": "Read Message History",
    "add_reactions": "Add Reactions",
}
"""By discord.py's name, as Discord's settings call them."""
FOR_THREADS = {"create_public_threads": "Create Public Threads"}
"""Needed besides where a long talk moves to a thread."""


def needed(threads: bool) -> dict[str, str]:
    """The permissions for a server's settings.

    Args:
        threads: Whether a long talk moves to a thread there.
    """
    return NEEDED | FOR_THREADS if threads else NEEDED


def missing(held: discord.Permissions, threads: bool) -> list[str]:
    """Those that are not held, as Discord's settings call them."""
    return [name for key, name in needed(threads).items() if not getattr(held, key)]


class Refusals:
    """Tells that an answer was refused: the log once for each channel, the asker once by DM."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._logged: LRUCache[str, bool] = LRUCache(_REMEMBERED)
        self._told: LRUCache[tuple[str, str], bool] = LRUCache(_REMEMBERED)

    async def tell(self, question: Question, error: UndeliverableError) -> None:
        """Say it, unless it was said."""
        place, author = question.place, question.turn.author_id
        rights = ", ".join(NEEDED.values())
        if isinstance(error, NotAllowedError):
            to_log = f"{error} It needs {rights} there."
            why = f"I may not write there. Whoever manages the server can allow it: {rights}."
        else:
            to_log, why = str(error), f"Discord does not take it: {error}"
        if place.channel not in self._logged:
            self._logged[place.channel] = True
            _log.error(
                "Answers in channel %s of server %s cannot be delivered: %s",
                place.channel,
                place.tenant or "(none)",
                to_log,
            )
        if place.kind == "dm" or (place.channel, author) in self._told:
            return
        self._told[place.channel, author] = True
        said = f"I would answer you in <#{place.channel}>, but {why}"
        try:
            await persist(lambda: self._write(int(author), said), seconds=_DM_SECONDS)
        except OnbrandError as refused:
            _log.info("The person who asked could not be told by direct message: %s", refused)

    async def _write(self, author: int, said: str) -> None:
        person = await self._client.create_dm(discord.Object(author))
        await person.send(said)
