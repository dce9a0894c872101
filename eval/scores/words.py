"""Words of a text in any script, for overlap scores. Needs no downloaded data.

rouge-score's own tokenizer keeps a-z and 0-9 only, so that two equal texts in Urdu, or in emoji,
score 0. These patterns keep letters with their marks and digits of every script, each Han or kana
character by itself (they are written without spaces), and symbols such as emoji as whole grapheme
clusters (Unicode Standard Annex 29). On ASCII text `words` gives exactly what rouge-score's does.
"""

from typing import NamedTuple, cast

import regex  # comes with nltk; `re` has no \p{M}

_IDEOGRAPH = r"[\p{Han}\p{Hiragana}\p{Katakana}]"
_WORD = rf"[[\p{{L}}\p{{N}}]--{_IDEOGRAPH}][[\p{{L}}\p{{N}}\p{{M}}\u200c\u200d]--{_IDEOGRAPH}]*"
_SYMBOL = r"(?=[\p{S}--\p{ASCII}])\X"
_PUNCTUATION = r"(?=[\p{P}\p{S}])\X"

_WORDS = regex.compile(rf"{_IDEOGRAPH}|{_WORD}|{_SYMBOL}", regex.V1)
_WORDS_AND_PUNCTUATION = regex.compile(rf"{_IDEOGRAPH}|{_WORD}|{_PUNCTUATION}", regex.V1)

_HALF_CHARACTER = "\N{REPLACEMENT CHARACTER}"
"""What a decoder writes for a character whose bytes were split; it matches nothing."""


def words(text: str) -> list[str]:
    """Lower-case words and symbols; punctuation is left out."""
    return cast("list[str]", _WORDS.findall(text.replace(_HALF_CHARACTER, " ").lower()))


class WordSpan(NamedTuple):
    """A word and where it stands."""

    word: str
    """In lower case."""
    start: int
    end: int


def word_spans(text: str) -> list[WordSpan]:
    """`words`, each with its place in the text as it is."""
    # Both are one character, so that places stay what they are.
    found = _WORDS.finditer(text.replace(_HALF_CHARACTER, " "))
    return [WordSpan(match.group().lower(), *match.span()) for match in found]


def words_and_punctuation(text: str) -> list[str]:
    """Words in their case, and every punctuation mark and symbol as a token of its own."""
    return cast("list[str]", _WORDS_AND_PUNCTUATION.findall(text.replace(_HALF_CHARACTER, " ")))
