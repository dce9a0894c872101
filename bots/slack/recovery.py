"""After a crash: which messages belong to an answer, and how to say that it was cut off."""

from collections.abc import Sequence
from typing import Any

from slack_sdk.errors import SlackApiError

from bots.platform import Delivered
from bots.slack import blocks
from bots.slack.blocks import Block
from bots.slack.thread import Thread
from bots.slack.web import ERRORS, GONE, code, persist, sentence, trouble, will_pass
from onbrand.errors import OnbrandError


async def find_delivered(
    thread: Thread, known: Sequence[str], earlier: Sequence[str]
) -> Delivered | None:
    """See `Platform.delivered`.

    A message with metadata says what it is of. One without is a stream that nobody ended; as the
    answers in a thread are given one after the other, it can only be of the last one.
    """
    answer_id = thread.question.answer_id
    try:
        ours = await thread.our_messages()
        found = []
        for message in ours:
            ts, mark = str(message["ts"]), blocks.about(message)
            if mark.get("empty") and mark.get("answer") == answer_id:
                await thread.delete(ts)  # "Thinking …", and no word of the answer
            elif _is_of(answer_id, mark, thread.id(ts), known, earlier):
                found.append(message)
    except ERRORS as error:
        if code(error) in GONE:
            return None
        raise OnbrandError(f"Slack does not say what was answered: {sentence(error)}") from error
    if not found:
        return None
    whole = any(blocks.about(message).get("last") for message in found)
    ids = tuple(thread.id(str(message["ts"])) for message in found)
    return Delivered(ids, whole, reference=found[-1])


def _is_of(
    answer_id: str,
    mark: dict[str, Any],
    message_id: str,
    known: Sequence[str],
    earlier: Sequence[str],
) -> bool:
    """Whether a message of ours is part of the answer."""
    if mark:
        return bool(mark.get("answer") == answer_id)
    return message_id in known or message_id not in earlier


async def mark_interrupted(thread: Thread, delivered: Delivered, note: str) -> None:
    """See `Platform.mark_interrupted`."""
    if delivered.whole:
        return
    ts = delivered.message_ids[-1].rpartition("/")[2]
    retry = blocks.buttons(blocks.RETRY, "Try again", thread.question.id)
    part = len(delivered.message_ids) - 1
    metadata = blocks.metadata(thread.question.answer_id, part, last=True)

    async def mark() -> None:
        try:
            await thread.stop_stream(ts, [*blocks.note(note), retry], metadata)
        except SlackApiError as error:
            if will_pass(error):
                raise
            await _mark_ended(thread, delivered, [*blocks.note(note), retry], metadata)

    try:
        await persist(mark)
    except ERRORS as error:
        raise trouble(error) from error


async def _mark_ended(
    thread: Thread, delivered: Delivered, below: list[Block], metadata: dict[str, Any]
) -> None:
    """Mark a message that does not stream any more: it can be edited.

    Its words are only known as Slack gives them, as blocks; those are set again as they are.
    """
    message = delivered.reference if isinstance(delivered.reference, dict) else {}
    if whole := blocks.without(message.get("blocks") or [], "actions"):
        try:
            await thread.edit(message, [*whole, *below], metadata)
        except SlackApiError as error:
            if will_pass(error):
                raise
        else:
            return
    answer_id = thread.question.answer_id
    if not await thread.find(answer_id, "note"):  # once, also after another crash
        await thread.post("", below, blocks.metadata(answer_id, "note", last=True))
