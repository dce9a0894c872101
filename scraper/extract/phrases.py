"""Phrases that give away what a block is for: buttons, legal lines, lists, shops, forums."""

import re
from functools import lru_cache

_PHRASES = re.compile(
    r"(?P<act>add to (?:cart|bag|basket|wish)|buy now|checkout|sign (?:in|up)|log ?in|"
    r"register\b|subscribe|download\b|get started|read more|learn more|shop now|"
    r"view (?:all|more|cart)|see (?:all|more)|show more|load more|quick (?:view|shop))|"
    r"(?P<legal>cookie|privacy|copyright|all rights reserved|terms (?:of|and|conditions)|"
    r"javascript)|"
    r"(?P<list>sort by|filter|results?\b|items?\b|page \d|next\b|previous\b|showing)|"
    r"(?P<more>related|you (?:may|might) (?:also )?like|recommended|more from|popular|trending|"
    r"recently viewed|latest|follow us|share\b|newsletter|advertis|sponsored|tags?\b|categor)|"
    r"(?P<talk>repl(?:y|ies)\b|posted\b|comments?\b|quote\b|joined\b|points?\b|likes?\b|"
    r"views\b|member\b|report\b|permalink|upvote|solved)|"
    r"(?P<review>reviews?\b|ratings?\b|stars?\b|verified)|"
    r"(?P<ship>shipping|returns?\b|delivery|in stock|out of stock|sold out|quantity|size\b|"
    r"colou?r\b|sku\b|warranty)|"
    r"(?P<where>home\b|menu\b|search\b|skip to|back to|contact\b|about us)"
)
PHRASE_NAMES = tuple(_PHRASES.groupindex)
_BIT = {name: 1 << number for number, name in enumerate(PHRASE_NAMES)}
_FIRST_OF_MORE = frozenset({
    "add", "buy", "sign", "log", "get", "read", "learn", "shop", "view", "see", "show", "load",
    "quick", "all", "terms", "sort", "page", "you", "more", "recently", "follow", "in", "out",
    "sold", "skip", "back", "about",
})  # fmt: skip
"""Words that begin a phrase of several words."""
_LONGEST = 4
_MOST_WORDS = 70
"""Of a block so many are looked at."""


def phrases_in(text: str, words: list[str]) -> int:
    """The kinds of phrases in a block, a bit each, in the order of `PHRASE_NAMES`.

    Args:
        text: the block.
        words: its words, lower case.
    """
    found = _BIT["legal"] if "©" in text else 0
    for number, word in enumerate(words[:_MOST_WORDS]):
        if word in _FIRST_OF_MORE:
            found |= _kind(" ".join(words[number : number + _LONGEST]))
        else:
            found |= _kind(word)
    return found


@lru_cache(maxsize=50_000)
def _kind(words: str) -> int:
    """The kind of the phrase that these words begin with."""
    match = _PHRASES.match(words)
    return _BIT[match.lastgroup] if match and match.lastgroup else 0
