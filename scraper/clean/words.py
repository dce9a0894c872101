r"""What counts as a word, in any script.

A word is a run of letters, marks, digits and underscores: `\w+` as `re` has it, except that a
vowel sign (Urdu, Hindi, …) does not cut a word in two, and that each character of a script written
without spaces (Chinese, Japanese, Thai, …) is a word. Emoji and punctuation are none.
"""

import regex

_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
    r"|[\p{L}\p{M}\p{N}_--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]+",
    regex.VERSION1,
)
_NO_PROSE = regex.compile(
    r"https?://\S+|www\.\S+|(?<![\w/])(?:#(?=[\w\p{M}]*\p{L})[\w\p{M}]+|@[\w\p{M}.]+)"
    r"|\[(?:phone|email|address)\]",
    regex.VERSION1,
)
"""A hashtag ends before a dot, a mention's name may hold one; "#1" is a rank and no hashtag."""


def words(text: str) -> list[str]:
    """The words of a text, case folded."""
    found: list[str] = _WORD.findall(text.casefold())
    return found


def prose(text: str) -> str:
    """A text without its URLs, hashtags, mentions and masked contact data."""
    found: str = _NO_PROSE.sub(" ", text)
    return found
