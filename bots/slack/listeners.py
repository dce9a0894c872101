"""What Slack sends, handed to the desk; nothing is decided here.

Bolt acknowledges an event when its listener returns (`process_before_response`), which is once the
desk has written the question down: what is acknowledged is never lost.
"""

import asyncio
import logging
import re
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Literal

from slack_bolt.async_app import AsyncAck, AsyncApp

from bots.conversation import wording
from bots.platform import FrontDesk
from bots.slack import blocks
from bots.slack.events import Event, message_id, place, question_id
from bots.slack.markup import mentioned_users
from bots.slack.platform import SlackPlatform
from bots.slack.private import WAITING
from bots.slack.thread import edited_text
from bots.slack.web import ERRORS, sentence
from bots.splitting import mrkdwn
from bots.streaming.lanes import Lanes
from onbrand.config import Slack
from onbrand.errors import OnbrandError

_log = logging.getLogger(__name__)
REWRITE = "rewrite"
"""The `callback_id` of the message shortcut."""
_TITLE_LIMIT = 40


class Listeners:
    """Listens to a Bolt app.

    Args:
        app: With `process_before_response`.
        platform: Reads what comes.
        desk: Gets it.
        settings: `[slack]`.
        brand_name: For the help.
    """

    def __init__(
        self,
        app: AsyncApp,
        platform: SlackPlatform,
        desk: FrontDesk,
        settings: Slack,
        brand_name: str,
    ) -> None:
        self._platform = platform
        self._desk = desk
        self._settings = settings
        self._brand_name = brand_name
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes = Lanes()
        app.event("message")(self._message)
        app.event("app_mention")(self._message)
        app.event("assistant_thread_started")(self._thread_started)
        app.event("app_home_opened")(self._home_opened)
        app.event("agent_session_stopped")(self._session_stopped)
        app.event(re.compile(".*"))(self._ignored)  # what is not acknowledged is sent again
        app.command(settings.command)(self._command)
        app.message_shortcut(REWRITE)(self._rewrite)
        app.action(blocks.STOP)(self._stop)
        app.action(blocks.RETRY)(self._retry)
        app.action(blocks.FEEDBACK)(self._feedback)

    async def close(self) -> None:
        """End what is under way beside the desk."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def catch_up(self, since: datetime) -> None:
        """The socket is open again after a while: what was said meanwhile may never be sent."""
        try:
            for question in await self._platform.missed_since(since):
                await self._desk.receive(question)
        except OnbrandError as error:
            _log.warning("%s", error)

    async def _message(self, event: Event, body: Event) -> None:
        team = str(body.get("team_id") or self._platform.identity.team)
        match event.get("subtype"):
            case "message_changed":
                await self._changed(event, team)
            case "message_deleted":
                deleted = str(event.get("deleted_ts") or "")
                await self._desk.deleted(question_id(team, str(event.get("channel")), deleted))
            case _:
                await self._said(event, team, str(body.get("event_id") or ""))

    async def _said(self, event: Event, team: str, event_id: str) -> None:
        """In the order said, though for one message a name is asked for and for the next none."""
        channel, ts = str(event.get("channel") or ""), str(event.get("ts") or "")
        ticket = self._lanes.ticket(place(team, channel, event.get("thread_ts") or "", ts, "").id)
        try:
            await ticket.called()
            await self._learn_names(event)
            question = self._platform.reader.question(event, team, event_id)
            if question is not None:
                receipt = await self._desk.receive(question)
                if receipt.accepted:
                    self._platform.note(question.place)
        finally:
            ticket.leave()

    async def _learn_names(self, event: Event) -> None:
        """Who is named, and who speaks among others, should be called by name at once."""
        author, names = str(event.get("user") or ""), self._platform.names
        named = list(mentioned_users(str(event.get("text") or "")))
        if named or event.get("thread_ts"):
            await names.learn_soon([author, *named])
        elif author not in names:
            self._spawn(names.learn([author]))

    async def _changed(self, event: Event, team: str) -> None:
        """Edited by its author, unfurled by Slack, or deleted although it has replies."""
        before = event.get("previous_message") or {}
        placed = {key: event.get(key) for key in ("channel", "channel_type")}
        message = {**(event.get("message") or {}), **placed, "type": "message"}
        if message.get("subtype") == "tombstone":
            ts = str(message.get("ts") or "")
            await self._desk.deleted(question_id(team, str(event.get("channel")), ts))
            return
        if before.get("text") == message.get("text"):
            return  # unfurled: names that were learnt since must not make it look changed
        await self._learn_names(message)
        question = self._platform.reader.question(message, team)
        if question is not None and not question.from_us:
            await self._desk.edited(question)

    async def _thread_started(self, event: Event) -> None:
        thread = event.get("assistant_thread") or {}
        self._spawn(self._suggest(str(thread.get("channel_id")), str(thread.get("thread_ts"))))

    async def _home_opened(self, event: Event) -> None:
        """What `assistant_thread_started` is to an assistant, this is to an agent."""
        if event.get("tab") == "messages" and self._settings.view == "agent":
            self._spawn(self._suggest(str(event.get("channel")), None))

    async def _suggest(self, channel: str, thread: str | None) -> None:
        prompts = [
            {"title": prompt[:_TITLE_LIMIT], "message": prompt}
            for prompt in self._settings.suggested_prompts
        ]
        if not prompts:
            return
        try:
            await self._platform.client.assistant_threads_setSuggestedPrompts(
                channel_id=channel, thread_ts=thread, prompts=prompts
            )
        except ERRORS as error:
            _log.warning("Prompts cannot be suggested: %s", sentence(error))

    async def _session_stopped(self, event: Event) -> None:
        channel, root = str(event.get("channel") or ""), str(event.get("thread_ts") or "")
        self._platform.stopped_by_user(channel, root, event.get("streaming_message_ts") or ())

    async def _ignored(self) -> None:
        """An event that nobody asked for."""

    async def _command(self, ack: AsyncAck, command: Event) -> None:
        verb, _, text = str(command.get("text") or "").strip().partition(" ")
        asked_as: Literal["ask", "write", "voice"] = "ask"
        kind = ""
        match verb.casefold():
            case "" | "help":
                words = wording.help_text(self._brand_name, self._settings.command)
                await ack(text=mrkdwn(words), response_type="ephemeral")
                return
            case "write":
                asked_as = "write"
                kind, text = wording.write_request(text)
            case "voice":
                asked_as = "voice"
            case "ask":
                pass
            case _:  # a question without its verb
                text = f"{verb} {text}"
        await self._platform.names.learn_soon(mentioned_users(text))
        question = self._platform.reader.command(command, asked_as, text.strip(), kind)
        receipt = await self._desk.receive(question)
        await ack(text=receipt.sentence or WAITING, response_type="ephemeral")

    async def _rewrite(self, ack: AsyncAck, shortcut: Event) -> None:
        said = str((shortcut.get("message") or {}).get("text") or "")
        await self._platform.names.learn_soon(mentioned_users(said))
        receipt = await self._desk.receive(self._platform.reader.rewrite(shortcut))
        await ack()
        self._tell(shortcut, receipt.sentence)

    async def _stop(self, ack: AsyncAck, body: Event, action: Event) -> None:
        receipt = await self._desk.stop(str(action.get("value") or ""), body["user"]["id"])
        await ack()
        self._tell(body, receipt.sentence)

    async def _retry(self, ack: AsyncAck, body: Event, action: Event) -> None:
        await ack()
        self._spawn(self._try_again(body, str(action.get("value") or "")))

    async def _try_again(self, body: Event, asked: str) -> None:
        receipt = await self._desk.retry(asked, body["user"]["id"])
        self._tell(body, receipt.sentence)
        message = body.get("message") or {}
        rest = blocks.without(message.get("blocks") or [], "actions")
        if receipt.accepted and rest:
            try:
                await self._platform.client.chat_update(
                    channel=body["channel"]["id"],
                    ts=message["ts"],
                    text=edited_text(message.get("text") or "…"),
                    blocks=rest,
                )
            except ERRORS as error:
                _log.debug("A button stays: %s", sentence(error))

    async def _feedback(self, ack: AsyncAck, body: Event, action: Event) -> None:
        await ack()
        rating, _, rated = str(action.get("value") or "").partition(" ")
        if not rated:
            channel, ts = body["channel"]["id"], body["container"]["message_ts"]
            rated = message_id(channel, ts)
        self._spawn(self._rate(body, rated, "up" if rating == "up" else "down"))

    async def _rate(self, body: Event, rated: str, rating: Literal["up", "down"]) -> None:
        receipt = await self._desk.feedback(rated, body["user"]["id"], rating)
        self._tell(body, receipt.sentence)

    def _tell(self, body: Event, words: str) -> None:
        """Say something to the person alone who clicked."""
        if words:
            self._spawn(self._whisper(body, words))

    async def _whisper(self, body: Event, words: str) -> None:
        container = body.get("container") or {}
        thread = container.get("thread_ts") or (body.get("message") or {}).get("thread_ts")
        try:
            await self._platform.client.chat_postEphemeral(
                channel=body["channel"]["id"],
                user=body["user"]["id"],
                text=mrkdwn(words),
                thread_ts=thread or None,
            )
        except ERRORS as error:
            _log.debug("A sentence was not told: %s", sentence(error))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it beside; what it raises goes to the log."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("Handling a click failed: %s", error, exc_info=error)
