"""What a block's own words tell, whatever stands around it."""

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scraper.extract.blocks import Block
from scraper.extract.metadata import Metadata

Rows = npt.NDArray[np.float32]

_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?:\s|$)")
_PRICE = re.compile(r"[$€£¥₹]\s?\d|\d[\d.,]*\s?(?:[$€£¥₹]|usd|eur|gbp)\b", re.IGNORECASE)
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
_PHRASES = re.compile(
    r"(?P<act>\badd to (?:cart|bag|basket|wish)|\bbuy now|\bcheckout|\bsign (?:in|up)|\blog ?in|"
    r"\bregister\b|\bsubscribe|\bdownload\b|\bget started|\bread more|\blearn more|\bshop now|"
    r"\bview (?:all|more|cart)|\bsee (?:all|more)|\bshow more|\bload more|\bquick (?:view|shop))|"
    r"(?P<legal>cookie|privacy|©|copyright|all rights reserved|terms (?:of|and|&)|javascript)|"
    r"(?P<list>\bsort by|\bfilter|\bresults?\b|\bitems?\b|\bpage \d|\bnext\b|\bprevious\b|"
    r"\bshowing)|"
    r"(?P<more>\brelated|\byou (?:may|might) (?:also )?like|\brecommended|\bmore from|\bpopular|"
    r"\btrending|\brecently viewed|\blatest|\bfollow us|\bshare\b|\bnewsletter|\badvertis|"
    r"\bsponsored|\btags?:|\bcategor)|"
    r"(?P<talk>\brepl(?:y|ies)\b|\bposted\b|\bcomments?\b|\bquote\b|\bjoined\b|\bpoints?\b|"
    r"\blikes?\b|\bviews\b|\bmember\b|\breport\b|\bpermalink|\bupvote|\bsolved)|"
    r"(?P<review>\breviews?\b|\bratings?\b|\bstars?\b|\bverified)|"
    r"(?P<ship>\bshipping|\breturns?\b|\bdelivery|\bin stock|\bout of stock|\bsold out|\bquantity|"
    r"\bsize\b|\bcolou?r\b|\bsku\b|\bwarranty)|"
    r"(?P<where>\bhome\b|\bmenu\b|\bsearch\b|\bskip to|\bback to|\bcontact\b|\babout us)",
    re.IGNORECASE,
)  # fmt: skip
PHRASE_NAMES = tuple(_PHRASES.groupindex)


class Texts(NamedTuple):
    """Of each block a row of features, and the counts that the tree adds up."""

    rows: Rows
    words: npt.NDArray[np.floating]
    link_words: npt.NDArray[np.floating]
    sentences: npt.NDArray[np.floating]


def texts_of(blocks: list[Block], metadata: Metadata) -> Texts:
    """What each block's own text tells."""
    repeated = Counter(block.text for block in blocks)
    seen: Counter[str] = Counter()
    rows = np.zeros((len(blocks), 24 + len(PHRASE_NAMES)), dtype=np.float32)
    for number, block in enumerate(blocks):
        text = block.text
        words = _WORD.findall(text.lower())
        size = max(len(text), 1)
        count = max(len(words), 1)
        seen[text] += 1
        letters = sum(map(str.isalpha, text))
        found = {match.lastgroup for match in _PHRASES.finditer(text[:400])}
        rows[number] = [
            np.log1p(len(words)),
            block.link_chars / size,
            len(_SENTENCE_END.findall(text)) / count * 10,
            text[-1] in ".!?…",
            text[-1] == ":",
            sum(map(str.isdigit, text)) / size,
            sum(map(str.isupper, text)) / max(letters, 1),
            sum(word in _FUNCTION_WORDS for word in words) / count,
            bool(_PRICE.search(text)),
            bool(_DATE.search(text)),
            size / count,
            np.log1p(text.count("\n")),
            np.log1p(block.links),
            block.emphasised_chars / size,
            sum(text.count(mark) for mark in ",;") / count,
            letters / size,
            np.log1p(repeated[text] - 1),
            seen[text] > 1,
            metadata.in_title(words),
            metadata.in_description(words),
            metadata.in_data(words),
            text[:1].islower(),
            text[:1].isupper(),
            any(mark in text for mark in "|»›>•·"),
            *(name in found for name in PHRASE_NAMES),
        ]
    words_of = np.expm1(rows[:, 0])
    return Texts(rows, words_of, words_of * rows[:, 1], rows[:, 2] * words_of / 10)


def phrase_bits(text: str) -> int:
    """The kinds of phrases in a text, a bit each, in the order of `PHRASE_NAMES`."""
    found = {match.lastgroup for match in _PHRASES.finditer(text[:400])}
    return sum(1 << number for number, name in enumerate(PHRASE_NAMES) if name in found)
