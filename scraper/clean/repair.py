"""Text as it was meant: mojibake undone, one kind of space, no invisible filler."""

import re

import ftfy

_CONFIG = ftfy.TextFixerConfig(
    uncurl_quotes=False, fix_character_width=False, fix_latin_ligatures=False
)
"""Curly quotes, wide characters and ligatures are the brand's own typography; `normalization` stays
NFC."""

_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad\ufffd]")
"""Zero-width space, word joiner, BOM, soft hyphen, and the mark of a character that was lost. The
joiners U+200C and U+200D stay: emoji and Urdu need them."""
_SPACES = re.compile(r"[^\S\n]+|[\u2800\u3164]+")
"""White space but line breaks, and the blank letters that captions use for it."""
_EMPTY_LINES = re.compile(r"\n{3,}")


def mend_encoding(text: str) -> str:
    """Undo broken encodings and remove invisible filler, until nothing is left to mend.

    Where tidying the white space would uncover more, it is tidied here.
    """
    while (mended := _mended(text)) != text or (mended := _mended(tidy(text))) != tidy(text):
        text = mended
    return text


def _mended(text: str) -> str:
    return _INVISIBLE.sub("", ftfy.fix_text(text, _CONFIG))


def tidy(text: str) -> str:
    """Single spaces within a line, at most one empty line between two."""
    lines = (" ".join(_SPACES.sub(" ", line).split()) for line in text.split("\n"))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
