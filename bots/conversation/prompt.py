"""All that the model is asked for one question: what was said before, what lies beside it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bots.conversation import wording
from bots.conversation.context import Context, context_for
from bots.conversation.decision import rules_for
from bots.conversation.media import media_of, media_parts, only_media
from bots.conversation.messages import ChatMessage, chat_messages
from bots.delivery.ledger import Ledger
from bots.platform import Platform
from bots.question import Question, Turn
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

_READ_SECONDS = 15.0
"""Longest wait for what the platform is asked; then the question is answered without it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prompt:
    """What to ask, and what to tell the person."""

    messages: Sequence[ChatMessage]
    """Of the chat API; empty when there is nothing to ask."""
    note: str
    """What could not be taken into account; "" when all was."""


async def prompt_for(
    question: Question, platform: Platform, ledger: Ledger, workspace: Workspace
) -> Prompt:
    """Gather what the model needs to answer."""
    settings = workspace.config.bots
    notes = [settings.media_sentence] if media_of(question) and not settings.media else []
    if notes and only_media(question):
        return Prompt([], notes[0])
    history, context = await asyncio.gather(
        _history(question, settings.history_turns, platform, ledger),
        _context(question, platform, workspace),
    )
    notes += context.notes
    request = wording.request_text(question)
    said = chat_messages(
        history,
        question.turn.author_name,
        f"{context.text}\n\n{request}" if context.text else request,
        rules_for(workspace.config, question.place).persona(question.place),
        settings.history_tokens,
    )
    messages = [ChatMessage(role=one["role"], content=one["content"]) for one in said]
    if settings.media and (parts := await media_parts(question, platform)):
        text = {"type": "text", "text": messages[-1]["content"]}
        messages[-1] = ChatMessage(role="user", content=[text, *parts])
    return Prompt(messages, " ".join(notes))


async def _history(
    question: Question, limit: int, platform: Platform, ledger: Ledger
) -> list[Turn]:
    """What was said before, without what the bot itself said of failures and the like."""
    if question.asked_as != "message":
        return []
    try:
        async with asyncio.timeout(_READ_SECONDS):
            turns = await platform.history(question, limit)
    except (OnbrandError, TimeoutError) as error:
        _log.warning("%s is answered without what was said before: %r", question.id, error)
        return []
    notices = await ledger.notices([turn.message_id for turn in turns])
    return [turn for turn in turns if turn.message_id not in notices]


async def _context(question: Question, platform: Platform, workspace: Workspace) -> Context:
    """What lies beside the question."""
    try:
        async with asyncio.timeout(_READ_SECONDS):
            return await context_for(question, platform, workspace)
    except TimeoutError:
        return Context("", [wording.CONTEXT_TOO_SLOW])
