"""Where the answer to one question goes: the requests, each made once."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_chat_stream import AsyncChatStream
from slack_sdk.web.async_client import AsyncWebClient

from bots.question import Question
from bots.slack.blocks import Block, about, sentences, without
from bots.slack.events import Origin, message_id, root_of, ts_of
from bots.slack.identity import Identity
from bots.slack.web import code
from bots.splitting import mrkdwn, shortened

_PAGE = 200
_TEXT_OF_UPDATE = 4_000
"""Bytes of `text` in `chat.update`, which takes less than `chat.postMessage` and counts `&amp;`."""

Result = TypeVar("Result")


class Thread:
    """The thread below a question.

    Args:
        client: Waits when Slack says 429.
        identity: Who we are.
        question: What is answered.
    """

    def __init__(self, client: AsyncWebClient, identity: Identity, question: Question) -> None:
        self.question = question
        self.channel = question.place.channel
        self.root = root_of(question)
        self.known: set[str] = set()
        """`ts` of the messages of this answer."""
        self._client = client
        self._identity = identity

    def id(self, ts: str) -> str:
        """A message's id, as the ledger keeps it."""
        return message_id(self.channel, ts)

    async def stream(self) -> AsyncChatStream:
        """A stream that begins with the first text; every append is a request."""
        origin = self.question.reference
        team = origin.user_team if isinstance(origin, Origin) else ""
        return await self._client.chat_stream(
            buffer_size=1,
            channel=self.channel,
            thread_ts=self.root,
            recipient_team_id=team or self.question.place.tenant,
            recipient_user_id=self.question.turn.author_id,
        )

    async def stop_stream(
        self, ts: str, below: list[Block] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """End a stream that was begun by whomever, perhaps by a process that is gone."""
        await self._client.chat_stopStream(
            channel=self.channel, ts=ts, blocks=below or None, metadata=metadata
        )

    async def post(self, text: str, whole: list[Block], metadata: dict[str, Any]) -> str:
        """Post a message; its `ts`.

        Args:
            text: The model's words, for notifications and for those who read it again.
            whole: All blocks.
            metadata: See `blocks.metadata`.
        """

        async def post(accepted: list[Block]) -> str:
            answer = await self._client.chat_postMessage(
                channel=self.channel,
                thread_ts=self.root,
                text=_notification(text, accepted),
                blocks=accepted,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
            return str(answer["ts"])

        return await _with_fewer_blocks(post, whole)

    async def update(
        self, ts: str, text: str, whole: list[Block], metadata: dict[str, Any]
    ) -> None:
        """Set what a message shows; arguments as for `post`."""

        async def update(accepted: list[Block]) -> None:
            await self._client.chat_update(
                channel=self.channel,
                ts=ts,
                text=edited_text(_notification(text[:_TEXT_OF_UPDATE], accepted)),
                blocks=accepted,
                metadata=metadata,
            )

        await _with_fewer_blocks(update, whole)

    async def edit(
        self, message: dict[str, Any], whole: list[Block], metadata: dict[str, Any]
    ) -> None:
        """Set the blocks of a message as Slack gave it; its text for other readers stays."""
        await self._client.chat_update(
            channel=self.channel,
            ts=str(message["ts"]),
            text=edited_text(str(message.get("text") or "…")),
            blocks=whole,
            metadata=metadata,
        )

    async def delete(self, ts: str) -> None:
        """Take a message away."""
        await self._client.chat_delete(channel=self.channel, ts=ts)

    async def our_messages(self) -> list[dict[str, Any]]:
        """What we wrote below the question since it was asked, oldest first, with metadata."""
        asked, cursor = ts_of(self.question.id), None
        found: list[dict[str, Any]] = []
        while True:
            page = await self._client.conversations_replies(
                channel=self.channel,
                ts=self.root,
                oldest=asked,
                limit=_PAGE,
                cursor=cursor,
                include_all_metadata=True,
            )
            found += [m for m in page.get("messages") or [] if self._identity.wrote(m)]
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return [message for message in found if str(message["ts"]) > asked]

    async def orphan(self, earlier: Collection[str] = ()) -> str:
        """The `ts` of the newest stream of ours that nobody was told of; "" when there is none.

        A stream gets its metadata when it ends, so one without has not been ended by us.
        """
        for message in reversed(await self.our_messages()):
            ts = str(message["ts"])
            if not about(message) and ts not in self.known and self.id(ts) not in earlier:
                return ts
        return ""

    async def find(self, answer_id: str, part: str) -> str:
        """The `ts` of a message that was posted with this metadata; "" when there is none."""
        for message in await self.our_messages():
            mark = about(message)
            if mark.get("answer") == answer_id and mark.get("part") == part:
                return str(message["ts"])
        return ""


def edited_text(words: str) -> str:
    """The `text` of `chat.update`, shorter where Slack would take none: the blocks say it all."""
    return shortened(words, _TEXT_OF_UPDATE)


def _notification(text: str, whole: list[Block]) -> str:
    """The message without blocks: what notifications and other readers of the history see."""
    return mrkdwn(text) if text else sentences(whole)


async def _with_fewer_blocks(
    call: Callable[[list[Block]], Awaitable[Result]], whole: list[Block]
) -> Result:
    """Leave out the thumbs where Slack does not take them: the words matter more."""
    try:
        return await call(whole)
    except SlackApiError as error:
        fewer = without(whole, "context_actions")
        refused = code(error).startswith("invalid_") or code(error) == "msg_blocks_too_long"
        if len(fewer) == len(whole) or not refused:
            raise
        return await call(fewer)
