"""What a block's own words tell, whatever stands around it."""

import re
from collections import Counter
from math import log1p
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scraper.extract.blocks import Block
from scraper.extract.metadata import Metadata
from scraper.extract.phrases import PHRASE_NAMES, phrases_in

Rows = npt.NDArray[np.float32]

_NOT_LETTERS, _NOT_CAPITALS, _NOT_DIGITS = (
    bytes(code for code in range(128) if not is_one(chr(code)))
    for is_one in (str.isalpha, str.isupper, str.isdigit)
)
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?:\s|$)")
_PRICE = re.compile(r"[$€£¥₹]\s?\d|\d[.,]*\s?(?:[$€£¥₹]|usd|eur|gbp)\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\bago\b|"
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d",
    re.IGNORECASE,
)
_FUNCTION_WORDS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "has", "have", "he",
    "her", "his", "i", "in", "is", "it", "its", "not", "of", "on", "or", "our", "she", "so",
    "that", "the", "their", "them", "they", "this", "to", "was", "we", "were", "what", "when",
    "which", "who", "will", "with", "you", "your", "das", "der", "die", "ein", "eine", "ist",
    "mit", "und", "von", "zu", "de", "des", "du", "en", "est", "et", "la", "le", "les", "que",
    "un", "une", "y", "el", "los", "por", "con", "para",
})  # fmt: skip


class Texts(NamedTuple):
    """Of each block a row of features, and the counts that the tree adds up."""

    rows: Rows
    words: npt.NDArray[np.floating]
    link_words: npt.NDArray[np.floating]
    sentences: npt.NDArray[np.floating]
    phrases: npt.NDArray[np.int64]
    """The kinds of phrases in each, a bit each, in the order of `PHRASE_NAMES`."""


def texts_of(blocks: list[Block], words: list[list[str]], metadata: Metadata) -> Texts:
    """What each block's own text tells."""
    repeated = Counter(block.text for block in blocks)
    seen: Counter[str] = Counter()
    rows = np.zeros((len(blocks), 24), dtype=np.float32)
    phrases = np.zeros(len(blocks), dtype=np.int64)
    for number, block in enumerate(blocks):
        text = block.text
        own = words[number]
        size = max(len(text), 1)
        count = max(len(own), 1)
        seen[text] += 1
        letters, capitals, digits = _characters(text)
        rows[number] = [
            log1p(len(own)),
            block.link_chars / size,
            len(_SENTENCE_END.findall(text)) / count * 10,
            text[-1] in ".!?…",
            text[-1] == ":",
            digits / size,
            capitals / max(letters, 1),
            sum(map(_FUNCTION_WORDS.__contains__, own)) / count,
            digits > 0 and bool(_PRICE.search(text)),
            (digits > 0 or "ago" in own) and bool(_DATE.search(text)),
            size / count,
            log1p(text.count("\n")),
            log1p(block.links),
            block.emphasised_chars / size,
            (text.count(",") + text.count(";")) / count,
            letters / size,
            log1p(repeated[text] - 1),
            seen[text] > 1,
            metadata.in_title(own),
            metadata.in_description(own),
            metadata.in_data(own),
            text[:1].islower(),
            text[:1].isupper(),
            any(mark in text for mark in "|»›>•·"),
        ]
        phrases[number] = phrases_in(text, own)
    counts = np.expm1(rows[:, 0])
    rows = np.hstack([rows, bits(phrases, len(PHRASE_NAMES))])
    return Texts(rows, counts, counts * rows[:, 1], rows[:, 2] * counts / 10, phrases)


def _characters(text: str) -> tuple[int, int, int]:
    """Letters, capital letters and digits."""
    if text.isascii():
        plain = text.encode()
        kinds = (_NOT_LETTERS, _NOT_CAPITALS, _NOT_DIGITS)
        letters, capitals, digits = (len(plain.translate(None, others)) for others in kinds)
        return letters, capitals, digits
    kinds_of = (str.isalpha, str.isupper, str.isdigit)
    letters, capitals, digits = (sum(map(is_one, text)) for is_one in kinds_of)
    return letters, capitals, digits


def bits(values: npt.NDArray[np.int64], count: int) -> Rows:
    """The lowest `count` bits of n values, as n × count zeros and ones."""
    return ((values[:, None] >> np.arange(count)) & 1).astype(np.float32)
