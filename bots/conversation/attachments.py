"""Files beside a question: which are text, and what stands in them."""

import asyncio
from pathlib import PurePosixPath

from charset_normalizer import from_bytes

from bots.platform import Platform
from bots.question import Attachment
from onbrand.errors import OnbrandError

_TEXT_TYPES = (
    "text/",
    "application/json",
    "application/xml",
    "application/yaml",
    "application/toml",
)
_TEXT_NAMES = frozenset(
    [
        ".txt", ".md", ".markdown", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml",
        ".toml", ".ini", ".xml", ".html", ".htm", ".log", ".srt", ".vtt", ".tex", ".sql", ".py",
        ".js", ".ts", ".css", ".sh",
    ]
)  # fmt: skip
_SAMPLE = 65_536  # bytes that the encoding is guessed from


def may_be_text(attachment: Attachment) -> bool:
    """Whether it is worth fetching; platforms know the type of some files only."""
    if attachment.kind == "text" or attachment.media_type.startswith(_TEXT_TYPES):
        return True
    return PurePosixPath(attachment.name.lower()).suffix in _TEXT_NAMES


async def read_text(attachment: Attachment, platform: Platform, most_bytes: int) -> str:
    """The text of an attachment.

    Args:
        attachment: Of any kind.
        platform: Fetches it.
        most_bytes: A larger one is not read.

    Raises:
        OnbrandError: no text, too large, or not to be had; a sentence for the person.
    """
    name = attachment.name or "the file"
    if not may_be_text(attachment):
        raise OnbrandError(f"I can't read {name}: I take text files only.")
    if attachment.size > most_bytes:
        raise OnbrandError(
            f"I did not read {name}: it has {_kilobytes(attachment.size)} KB, "
            f"and I read at most {_kilobytes(most_bytes)} KB."
        )
    content = await platform.fetch(attachment, most_bytes)
    text = await asyncio.to_thread(_decoded, content)
    if text is None:
        raise OnbrandError(f"I can't read {name}: what is in it is no text.")
    if not text.strip():
        raise OnbrandError(f"There is nothing in {name}.")
    return text


def _decoded(content: bytes) -> str | None:
    """UTF-8, or what looks like text in another encoding; None for anything else."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        encoding = _likeliest_encoding(content[:_SAMPLE])
        if encoding is None:
            return None
        text = content.decode(encoding, "replace")
    return None if "\0" in text else text


def _likeliest_encoding(content: bytes) -> str | None:
    """Windows-1252, by far the most common, where it is among equals; None for what is no text."""
    matches = from_bytes(content)
    best = matches.best()
    if best is None:
        return None
    equals = [m for m in matches if (m.chaos, m.coherence) == (best.chaos, best.coherence)]
    return "cp1252" if any(match.encoding == "cp1252" for match in equals) else best.encoding


def _kilobytes(size: int) -> int:
    return -(-size // 1024)
