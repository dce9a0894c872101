"""The content of attachments. Links to them expire within a day, so a stale one is renewed."""

import aiohttp
import discord

from bots.discord.history import fetch
from bots.discord.questions import FileOnDiscord
from bots.question import Attachment
from onbrand.errors import OnbrandError

_SECONDS = 30.0


async def download(client: discord.Client, attachment: Attachment, limit: int) -> bytes:
    """See `bots.platform.Platform.fetch`."""
    if attachment.size > limit:
        raise _too_large(attachment, limit)
    where = attachment.reference
    if not isinstance(where, FileOnDiscord):
        raise OnbrandError(f"The file {attachment.name} was not read from Discord.")
    file, channel_id, message_id = where
    content = await _read(attachment, file.url, limit)
    if content is None:
        message = await fetch(client.get_partial_messageable(channel_id), message_id)
        fresh = message.attachments if message is not None else []
        urls = [each.url for each in fresh if each.id == file.id]
        content = await _read(attachment, urls[0], limit) if urls else None
    if content is None:
        raise OnbrandError(f"The file {attachment.name} is not on Discord any more.")
    return content


async def _read(attachment: Attachment, url: str, limit: int) -> bytes | None:
    """The content; None: the link does not hold (any more)."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            if response.status in (403, 404):
                return None
            response.raise_for_status()
            content = bytearray()
            async for piece in response.content.iter_chunked(65536):
                content += piece
                if len(content) > limit:
                    raise _too_large(attachment, limit)
            return bytes(content)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise OnbrandError(
            f"The file {attachment.name} could not be read from Discord: {type(error).__name__}."
        ) from error


def _too_large(attachment: Attachment, limit: int) -> OnbrandError:
    return OnbrandError(
        f"The file {attachment.name} is larger than {limit // 1024} kB, which is all I read."
    )
