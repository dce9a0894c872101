"""Answers that a crash cut off: what Discord shows of them, and how they are marked."""

from collections.abc import Sequence

import discord

from bots.discord.buttons import buttons_of, view_of
from bots.discord.drawing import with_note
from bots.discord.history import channel_of, fetch, read
from bots.discord.outlet import nonce
from bots.discord.posting import MessageGoneError, persist
from bots.discord.questions import message_name
from bots.platform import Delivered
from bots.question import Place, Question

_PAGE = 100


async def delivered(
    client: discord.Client,
    me: discord.abc.User,
    question: Question,
    known: Sequence[str],
    earlier: Sequence[str],
) -> Delivered | None:
    """See `bots.platform.Platform.delivered`."""
    found = await _answer(client, me, question, known, earlier)
    if not found:
        return None
    return Delivered(
        message_ids=tuple(message_name(each.channel.id, each.id) for each in found),
        whole=all(each.content for each in found)
        and not any(buttons_of(each) == "stop" for each in found),
        reference=found,
    )


async def _answer(
    client: discord.Client,
    me: discord.abc.User,
    question: Question,
    known: Sequence[str],
    earlier: Sequence[str],
) -> list[discord.Message]:
    """Our messages that reply to the question, or to such a message, oldest first."""
    found: dict[int, discord.Message] = {}
    for channel_id, start in _channels(question, known):
        channel = channel_of(client, channel_id, question.place.tenant)
        chain = {start}
        for message in await read(channel, _PAGE, after=int(question.id)):
            name = message_name(message.channel.id, message.id)
            if message.author.id == me.id and name not in earlier:
                replied = message.reference.message_id if message.reference else None
                if replied in chain or name in known or _responds(message, question):
                    chain.add(message.id)
                    found[message.id] = message
    for name in known:
        channel_id, message_id = name.split("/")
        if int(message_id) not in found:
            channel = channel_of(client, channel_id, question.place.tenant)
            if (unlinked := await fetch(channel, int(message_id))) is not None:
                found[unlinked.id] = unlinked
    return [found[each] for each in sorted(found)]


def _responds(message: discord.Message, question: Question) -> bool:
    """Whether it is the response to the command that the question is."""
    metadata = message.interaction_metadata
    return metadata is not None and str(metadata.id) == question.id


def _channels(question: Question, known: Sequence[str]) -> list[tuple[str, int | None]]:
    """Where its answer may be: channel, and what its first message replies to (None: nothing)."""
    place: Place = question.place
    channels: list[tuple[str, int | None]] = [(place.channel, int(question.id))]
    message = question.reference
    thread = message.thread if isinstance(message, discord.Message) else None
    if place.kind != "dm" and not place.thread and (thread or _in_thread(question, known)):
        channels.append((question.id, None))  # a thread has the id of the message it is under
    return channels


def _in_thread(question: Question, known: Sequence[str]) -> bool:
    return any(name.startswith(f"{question.id}/") for name in known)


async def mark_interrupted(
    client: discord.Client, question: Question, delivered: Delivered, note: str
) -> None:
    """See `bots.platform.Platform.mark_interrupted`."""
    messages = delivered.reference
    if not isinstance(messages, list) or not messages:
        return
    last: discord.Message = messages[-1]
    view = view_of("retry", question.id)
    parts = [last.content]
    if buttons_of(last) != "retry":  # else it was marked before a second crash
        parts = with_note([last.content] if last.content else [], note)
    try:
        for message in messages[:-1]:
            if buttons_of(message):
                await persist(lambda message=message: message.edit(view=None))  # type: ignore[misc]
        if len(parts) == 1:
            await persist(lambda: last.edit(content=parts[0], view=view))
            return
        await _post_mark(client, question, last, parts[-1])
        await persist(lambda: last.edit(view=None))
    except MessageGoneError:
        return


async def _post_mark(
    client: discord.Client, question: Question, last: discord.Message, note: str
) -> None:
    """The note as a message of its own, where the last one is full."""
    channel = client.get_partial_messageable(
        last.channel.id, guild_id=last.guild.id if last.guild else None
    )
    view = view_of("retry", question.id) or discord.utils.MISSING
    reference = last.to_reference(fail_if_not_exists=False)
    name = nonce(question.answer_id, -1)
    await persist(lambda: channel.send(note, nonce=name, reference=reference, view=view))
