"""What was said, read from Slack: it is the only memory.

https://docs.slack.dev/reference/methods/conversations.replies
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bots.question import Asked, Place, Question, Turn
from bots.slack.blocks import about
from bots.slack.events import Event, Reader, ts_of
from bots.slack.markup import mentioned_users
from bots.slack.names import Names
from bots.slack.web import ERRORS, GONE, code, sentence, will_pass
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
_PAGE = 200
_PAGES = 10
_THREADS_OF_A_DM = 5
_CHANNELS, _THREADS = 50, 30
"""Of those where we talked last; each is a request, of which Slack takes some fifty a minute."""
_MISSED_IN_A_CHANNEL = 50


class History:
    """Reads threads and direct messages.

    Args:
        client: Waits when Slack says 429.
        reader: Translates messages.
        names: Learns who speaks.
    """

    def __init__(self, client: AsyncWebClient, reader: Reader, names: Names) -> None:
        self._client = client
        self._reader = reader
        self._names = names

    async def before(self, question: Question, limit: int) -> list[Turn]:
        """See `Platform.history`."""
        asked, place = ts_of(question.id), question.place
        if place.thread == asked or question.asked_as != "message":
            return []  # it opens its thread, or stands in none
        try:
            if place.thread:
                messages = await self._replies(place.channel, place.thread, latest=asked)
            else:
                messages = await self._direct_messages(place.channel, asked, limit)
        except ERRORS as error:
            raise OnbrandError(f"The conversation cannot be read: {sentence(error)}") from error
        earlier = [m for m in messages if str(m["ts"]) < asked and _is_turn(m)]
        return await self._turns(place.channel, earlier[-limit:])

    async def reload(self, asked: Asked) -> Question | None:
        """See `Platform.reload`."""
        if asked.asked_as != "message":
            return None
        ts, place = ts_of(asked.id), asked.place
        window: dict[str, Any] = {"oldest": ts, "latest": ts, "inclusive": True, "limit": 5}
        try:
            if place.thread and place.thread != ts:
                answer = await self._client.conversations_replies(
                    channel=place.channel, ts=place.thread, **window
                )
            else:
                answer = await self._client.conversations_history(channel=place.channel, **window)
        except ERRORS as error:
            if code(error) in GONE:
                return None
            raise OnbrandError(f"A question cannot be read again: {sentence(error)}") from error
        for message in answer.get("messages") or []:
            if message.get("ts") == ts:
                return (await self._questions([message], place))[0]
        return None

    async def missed(self, places: Sequence[Place], since: datetime) -> list[Question]:
        """See `Platform.missed`."""
        oldest = f"{since.timestamp():.6f}"
        channels: dict[str, Place] = {}
        for place in places:
            channels.setdefault(place.channel, place)
        threads = [place for place in dict.fromkeys(places) if place.thread][:_THREADS]
        found: list[Question] = []
        for place in list(channels.values())[:_CHANNELS]:
            messages = await self._newest(place)
            new = [m for m in messages if str(m["ts"]) > oldest]
            said = await self._questions(new, replace(place, thread=""))
            found += [q for q in said if q.mentioned or place.kind == "dm"]
            if place.kind == "dm":  # below each of our answers may be more
                roots = [
                    str(m["ts"]) for m in messages if str(m.get("latest_reply") or "") > oldest
                ]
                threads += [replace(place, thread=root) for root in roots]
        for place in dict.fromkeys(threads):
            messages = await self._newest(place, oldest, place.thread)
            found += await self._questions(messages, place)
        unique = {question.id: question for question in found}
        theirs = (question for question in unique.values() if not question.from_us)
        return sorted(theirs, key=lambda question: question.turn.at)

    async def _newest(self, place: Place, oldest: str = "", thread: str = "") -> list[Event]:
        """The newest messages outside of threads, or those of a thread since `oldest`."""
        channel = place.channel
        try:
            if thread:
                return await self._replies(channel, thread, oldest=oldest)
            answer = await self._client.conversations_history(
                channel=channel, limit=_MISSED_IN_A_CHANNEL
            )
        except ERRORS as error:
            if not will_pass(error):  # one place must not keep the others from being read
                _log.warning("What was missed in %s cannot be read: %s", channel, sentence(error))
                return []
            raise OnbrandError(f"What was missed cannot be read: {sentence(error)}") from error
        return list(answer.get("messages") or [])

    async def _replies(
        self, channel: str, thread: str, latest: str | None = None, oldest: str | None = None
    ) -> list[Event]:
        """A thread, oldest first: its first message and the newest replies."""
        cursor = None
        found: list[Event] = []
        for _ in range(_PAGES):
            page = await self._client.conversations_replies(
                channel=channel,
                ts=thread,
                latest=latest,
                oldest=oldest,
                limit=_PAGE,
                cursor=cursor,
                include_all_metadata=True,
            )
            found += page.get("messages") or []
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return [message for message in found if oldest is None or message["ts"] > oldest]

    async def _direct_messages(self, channel: str, latest: str, limit: int) -> list[Event]:
        """A direct message outside threads: what stands there, and our answers below it."""
        answer = await self._client.conversations_history(
            channel=channel, latest=latest, limit=limit, include_all_metadata=True
        )
        messages: list[Event] = answer.get("messages") or []
        threads = [str(m["ts"]) for m in messages if m.get("reply_count")][:_THREADS_OF_A_DM]
        below = await asyncio.gather(*(self._replies(channel, ts, latest) for ts in threads))
        every = {str(m["ts"]): m for m in [*messages, *(m for thread in below for m in thread)]}
        return [every[ts] for ts in sorted(every)]

    async def _turns(self, channel: str, messages: list[Event]) -> list[Turn]:
        await self._learn(messages)
        return [self._reader.turn({**message, "channel": channel}) for message in messages]

    async def _questions(self, messages: list[Event], place: Place) -> list[Question]:
        """Messages as questions; what says nothing is left out."""
        await self._learn(messages)
        types = {"dm": "im", "private": "group", "public": "channel"}
        placed = {"channel": place.channel, "channel_type": types[place.kind], "type": "message"}
        found = (self._reader.question({**m, **placed}, place.tenant) for m in messages)
        return [question for question in found if question is not None]

    async def _learn(self, messages: list[Event]) -> None:
        said = [str(message.get("text") or "") for message in messages]
        named = [user for text in said for user in mentioned_users(text)]
        await self._names.learn([*(str(m.get("user") or "") for m in messages), *named])


def _is_turn(message: Event) -> bool:
    """Whether somebody said something; sentences of the bot itself are none."""
    mark = about(message)
    spoken = message.get("subtype") in (None, "", "file_share", "thread_broadcast", "bot_message")
    return spoken and not mark.get("empty") and mark.get("part") != "note"
