"""Answers that one person sees: to slash commands, and in the window of the message shortcut."""

import logging
from collections.abc import Sequence
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bots.platform import AnswerLog, Delivered, Final
from bots.question import Question
from bots.slack import blocks
from bots.slack.blocks import Block
from bots.slack.events import Origin, message_id, ts_of
from bots.slack.web import ERRORS, LIBRARIES, is_loopback, patience, persist, sentence, trouble
from bots.splitting import SLACK, mrkdwn, split
from bots.streaming.latest import Latest

_log = logging.getLogger(__name__)
_USES_OF_A_RESPONSE_URL = 5
_VIEW_SECONDS = 1.0
_TEXT_LIMIT = 3_000
_BLOCKS_LIMIT = 95
WAITING = "One moment …"


class CommandSurface:
    """The answer to a slash command, in place of `WAITING`.

    Only messages that all can see can be streamed, so it comes when it is whole.
    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses

    Args:
        client: For what does not fit into five messages.
        session: For the response URL.
        question: The command.
        log: Told of each message.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        question: Question,
        log: AnswerLog,
    ) -> None:
        self._client = client
        self._question = question
        self._log = log
        origin = question.reference
        url = origin.response_url if isinstance(origin, Origin) else ""
        self._hook = AsyncWebhookClient(
            url, session=session, logger=LIBRARIES, retry_handlers=patience()
        )
        if is_loopback(url):
            self._hook.proxy = None
        self._uses = _USES_OF_A_RESPONSE_URL if url else 0

    async def begin(self) -> None:
        """The acknowledgement of the command was the sign of life."""

    def show(self, text: str) -> None:
        """Nothing is shown before the end."""

    async def finish(self, final: Final) -> None:
        """See `Surface.finish`."""
        handle = ts_of(self._question.id)
        texts = [part.text for part in split(final.text, SLACK) if not part.blank] or [""]
        for number, text in enumerate(texts, start=1):
            name = message_id(self._question.place.channel, f"{handle}-{number}")
            last = number == len(texts)
            below = blocks.ending(final, self._question.id, name) if last else []
            whole = [*blocks.markdown(text), *below]
            if whole:
                await self._say(mrkdwn(text) or blocks.sentences(whole), whole, first=number == 1)
                await self._log.posted(name, len(text))

    async def _say(self, text: str, whole: list[Block], first: bool) -> None:
        if self._uses and await self._respond(text, whole, first):
            return

        async def post() -> None:
            await self._client.chat_postEphemeral(
                channel=self._question.place.channel,
                user=self._question.turn.author_id,
                text=text,
                blocks=whole,
            )

        try:
            await persist(post)
        except ERRORS as error:
            raise trouble(error) from error

    async def _respond(self, text: str, whole: list[Block], first: bool) -> bool:
        """Use the response URL; whether Slack took it."""
        self._uses -= 1
        try:
            answer = await self._hook.send(
                text=text, blocks=whole, response_type="ephemeral", replace_original=first
            )
        except ERRORS as error:
            _log.debug("A response URL cannot be used: %s", sentence(error))
            return False
        return answer.status_code == 200


class WindowSurface:
    """The answer to the message shortcut, in a window (a modal) that fills.

    https://docs.slack.dev/surfaces/modals

    Args:
        client: One that does not wait when Slack says 429: a window opens within three seconds.
        patient: One that waits.
        otherwise: Where the answer goes when no window opens.
        question: The shortcut.
        log: Told of the window.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        patient: AsyncWebClient,
        otherwise: CommandSurface,
        question: Question,
        log: AnswerLog,
    ) -> None:
        self._client = client
        self._patient = patient
        self._otherwise = otherwise
        self._question = question
        self._log = log
        self._view_id = ""
        self._latest = Latest(self._draw, _VIEW_SECONDS)

    async def begin(self) -> None:
        """See `Surface.begin`."""
        origin = self._question.reference
        trigger = origin.trigger_id if isinstance(origin, Origin) else ""
        try:
            answer = await self._client.views_open(trigger_id=trigger, view=_view(WAITING))
        except ERRORS as error:
            _log.debug("No window opened: %s", sentence(error))
            return
        self._view_id = str((answer.get("view") or {}).get("id") or "")

    def show(self, text: str) -> None:
        """See `Surface.show`."""
        self._latest.show(text)

    async def finish(self, final: Final) -> None:
        """See `Surface.finish`."""
        await self._latest.close()
        if not self._view_id:
            await self._otherwise.finish(final)
            return
        await self._draw_view(final.text, final.note)
        await self._log.posted(f"view/{self._view_id}", len(final.text))

    async def _draw(self, text: str) -> None:
        if self._view_id:
            await self._draw_view(text, "")

    async def _draw_view(self, text: str, note: str) -> None:
        async def update() -> None:
            view = _view(text, note)
            await self._patient.views_update(view_id=self._view_id, view=view)

        try:
            await persist(update)
        except ERRORS as error:
            raise trouble(error) from error


def delivered(known: Sequence[str]) -> Delivered:
    """What one person saw cannot be read again: what was told of is whole, and nothing else."""
    return Delivered(tuple(known), whole=bool(known))


async def tell(client: AsyncWebClient, question: Question, note: str) -> None:
    """Say something to the person alone who gave a command, after a crash.

    Raises:
        OnbrandError: Slack does not take it.
    """

    async def post() -> None:
        await client.chat_postEphemeral(
            channel=question.place.channel, user=question.turn.author_id, text=note
        )

    try:
        await persist(post)
    except ERRORS as error:
        raise trouble(error) from error


def _view(text: str, note: str = "") -> dict[str, Any]:
    """A window; windows know no markdown blocks, so the text is shown as it is, to be copied."""
    pieces = [text[at : at + _TEXT_LIMIT] for at in range(0, len(text), _TEXT_LIMIT)]
    whole = [
        {"type": "section", "text": {"type": "plain_text", "text": piece}}
        for piece in pieces[:_BLOCKS_LIMIT]
        if piece.strip()
    ]
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "In our voice"},
        "close": {"type": "plain_text", "text": "Close"},
        "blocks": [*whole, *(blocks.note(note) if whole else blocks.alone(note or "…"))],
    }
