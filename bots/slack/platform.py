"""Slack as the desk sees it; see `bots.platform.Platform`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from weakref import WeakSet

import aiohttp
from cachetools import LRUCache

from bots.platform import AnswerLog, Delivered, Surface
from bots.question import Asked, Attachment, Place, Question, Turn
from bots.slack import private
from bots.slack.events import Reader
from bots.slack.files import Files
from bots.slack.history import History
from bots.slack.identity import Identity
from bots.slack.names import Names
from bots.slack.pace import Pace
from bots.slack.recovery import find_delivered, mark_interrupted
from bots.slack.status import Status
from bots.slack.surface import ThreadSurface
from bots.slack.thread import Thread
from bots.slack.web import make_client
from onbrand.config import Slack

_COMMANDS_KEPT, _PLACES_KEPT = 500, 200


class SlackPlatform:
    """Draws answers and reads what was said, with one bot token.

    Args:
        identity: Who the bot is; may be learned later, before events flow.
        settings: `[slack]`.
        token: The bot token.
        session: For all requests.
    """

    name = "slack"

    def __init__(
        self, identity: Identity, settings: Slack, token: str, session: aiohttp.ClientSession
    ) -> None:
        self.identity = identity
        self._settings = settings
        self._session = session
        self.client = make_client(token, settings.api_url, session)
        self.prompt_client = make_client(token, settings.api_url, session, patient=False)
        """For what is of no use when it comes late."""
        self.names = Names(self.prompt_client)
        self.reader = Reader(identity, self.names)
        self._history = History(self.client, self.reader, self.names)
        self._files = Files(session, token, settings.api_url)
        self._pace = Pace()
        self._no_streams: set[str] = set()
        self._answers: WeakSet[ThreadSurface] = WeakSet()
        self._commands: LRUCache[str, Question] = LRUCache(_COMMANDS_KEPT)
        """For another try: Slack keeps nothing of a command."""
        self._places: LRUCache[str, Place] = LRUCache(_PLACES_KEPT)
        """Where something was said to us in this run, the latest last."""

    async def history(self, question: Question, limit: int) -> list[Turn]:
        """See `Platform.history`."""
        return await self._history.before(question, limit)

    def surface(self, question: Question, log: AnswerLog) -> Surface:
        """See `Platform.surface`."""
        if question.asked_as != "message":
            self._commands[question.id] = question
            command = private.CommandSurface(self.client, self._session, question, log)
            if question.asked_as != "rewrite":
                return command
            return private.WindowSurface(self.prompt_client, self.client, command, question, log)
        thread = self._thread(question)
        loading = self._settings.loading_messages
        status = Status(self.prompt_client, thread.channel, thread.root, loading)
        surface = ThreadSurface(thread, status, log, self._pace, self._no_streams)
        self._answers.add(surface)
        return surface

    def stopped_by_user(self, channel: str, root: str, streams: Collection[str] = ()) -> None:
        """Slack's own stop button was pressed in a thread.

        Args:
            channel: Where.
            root: The thread.
            streams: `ts` of the messages that were streaming; those that wait go on.
        """
        for surface in list(self._answers):
            if surface.stands_in(channel, root) and (not streams or surface.shows(streams)):
                surface.stop_by_user()

    async def delivered(
        self, question: Question, known: Sequence[str], earlier: Sequence[str]
    ) -> Delivered | None:
        """See `Platform.delivered`."""
        if question.asked_as != "message":
            return private.delivered(known)
        return await find_delivered(self._thread(question), known, earlier)

    async def mark_interrupted(self, question: Question, delivered: Delivered, note: str) -> None:
        """See `Platform.mark_interrupted`."""
        if question.asked_as != "message":
            await private.tell(self.client, question, note)
        else:
            await mark_interrupted(self._thread(question), delivered, note)

    async def reload(self, asked: Asked) -> Question | None:
        """See `Platform.reload`."""
        if asked.asked_as != "message":
            return self._commands.get(asked.id)
        return await self._history.reload(asked)

    async def missed(self, places: Sequence[Place], since: datetime) -> list[Question]:
        """See `Platform.missed`."""
        return await self._history.missed(places, since)

    async def missed_since(self, when: datetime) -> list[Question]:
        """What was said while the socket was closed, as far as it can be known; oldest first.

        Slack sends an event again for a few minutes only.
        """
        return await self.missed(list(self._places.values())[::-1], when)

    def note(self, place: Place) -> None:
        """Something was said to us there."""
        self._places.pop(place.id, None)
        self._places[place.id] = place

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """See `Platform.fetch`."""
        return await self._files.fetch(attachment, limit)

    def _thread(self, question: Question) -> Thread:
        return Thread(self.client, self.identity, question)
