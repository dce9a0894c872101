"""Pages that answer 200 and say that there is no such page.

What a host answers for a page that is not there is found out by asking for one, once for each host
and only when a page of it is under suspicion: a sound site is asked nothing more than its pages.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scraper.website.document import visible_text
from scraper.website.url import origin_of

MOST_WORDS = 150
"""A longer text outside header, footer and navigation has something to say, whatever its title."""
OWN_WORDS = 2
"""Words that a page may have beyond those for a page that is not there, and the other way round."""

OTHER_WORDS = 2
"""Words that a title or heading may have beside those of an error message."""

# What error pages say in titles and headings, in the languages of most of the web.
_ERROR = re.compile(
    r"\bnot (?:be )?found\b|\bdoes(?:n['o’]?t| not) exist|\bno longer (?:exists?|available)"
    r"|\bcan(?:no|['’])t (?:seem to )?(?:be )?f(?:ind|ound)|\bnothing (?:was )?found|\bno such page"
    r"|\bpage (?:is )?(?:gone|missing|unavailable|not available)|nicht gefunden|existiert nicht"
    r"|introuvable|n['’]existe (?:pas|plus)|no (?:se ha |fue )?encontrad[oa]|no existe\b"
    r"|non (?:è stata )?trovat[oa]|não (?:foi )?encontrad[oa]|niet gevonden|bestaat niet"
    r"|nie znaleziono|nie istnieje|bulunamad[ıi]|не найден|不存在|找不到|見つかりません|찾을 수 없"
    r"|غير موجودة|نہیں ملا|tidak ditemukan|hittades inte",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\b(?:404|410)\b")
_SMALL_TALK = frozenset([
    "error", "fehler", "erreur", "errore", "erro", "http", "oops", "ooops", "whoops", "uh", "oh",
    "ups", "hoppla", "sorry", "page", "seite", "página", "pagina", "strona", "sayfa",
    "страница", "content", "product", "item", "file", "url", "link", "site", "the", "this", "that",
    "we", "you", "it", "is", "was", "were", "are", "be", "could", "looking", "for", "re", "die",
    "der", "das", "diese", "wurde", "leider", "la", "cette", "est", "esta", "a", "de",
    "requested", "here", "s",
])  # fmt: skip
_DIGITS = re.compile(r"(?!\b(?:404|410)\b)\d+")
_WORD = re.compile(r"[^\W\d_]+")
_SEPARATOR = re.compile(r"\s+[|·•»—–:-]\s+")


@dataclass(frozen=True)
class Look:
    """What of a page tells an error page from others."""

    title: str
    heading: str
    words: tuple[str, ...]

    @classmethod
    def at(cls, tree: Any, url: str) -> "Look":
        """The look of a page; its own address is left out, since error pages repeat it."""
        body = tree.find("body")
        path = urlsplit(url).path
        texts = [
            tree.findtext(".//title") or "",
            next((visible_text(place) for place in tree.iter("h1", "h2")), ""),
            "" if body is None else visible_text(body),
        ]
        title, heading, text = (
            " ".join(piece.replace(url, " ").replace(path, " ").split())
            if len(path) > 1
            else " ".join(piece.split())
            for piece in texts
        )
        return cls(title, heading, tuple(_DIGITS.sub("0", text).casefold().split()))

    @property
    def speaks_of_error(self) -> bool:
        """Whether title, heading or the first words could be an error page's."""
        if len(self.words) > MOST_WORDS:
            return False
        beginning = " ".join(self.words[:40])
        texts = (self.title, self.heading, beginning)
        return any(_ERROR.search(text) or _NUMBER.search(text) for text in texts)

    @property
    def is_headed_as_error(self) -> bool:
        """Whether title or heading say it, and hardly anything else."""
        return len(self.words) <= MOST_WORDS and any(
            map(_says_only_error, (self.title, self.heading))
        )

    def resembles(self, missing: "Look") -> bool:
        """Whether this is what the host shows for a page that is not there."""
        mine, theirs = Counter(self.words), Counter(missing.words)
        if (mine - theirs).total() <= OWN_WORDS and (theirs - mine).total() <= OWN_WORDS:
            return True
        same_head = (self.title, self.heading) == (missing.title, missing.heading)
        return same_head and missing.is_headed_as_error and len(self.words) <= MOST_WORDS


def _says_only_error(text: str) -> bool:
    """Whether a title, or a part of it (the other being the site's name), is an error message."""
    for part in (text, *_SEPARATOR.split(text)):
        rest = _ERROR.sub(" ", part)
        others = [word for word in _WORD.findall(rest.casefold()) if word not in _SMALL_TALK]
        if rest != part and len(others) <= OTHER_WORDS:
            return True
        if _NUMBER.search(part) and not others:  # "Error 404", but not "Room 404"
            return True
    return False


Ask = Callable[[str], Awaitable[Look | None]]
"""The look of a URL's page; None where there is none, or where it may not be asked for."""


class Soft404:
    """Tells pages that are none, host by host."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._missing: dict[str, Look | None] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def is_one(self, tree: Any, url: str) -> bool:
        """Whether a page that answered 200 is an error page in truth.

        It is one if its title or heading say nothing but that there is no page; or if it speaks of
        one and looks like what the host shows under an address that cannot exist: the same words
        but for two, or the same title and heading, which speak of an error. A text of more than 150
        words is never taken for an error page.
        """
        look = Look.at(tree, url)
        if look.is_headed_as_error:
            return True
        if not look.speaks_of_error:
            return False
        missing = await self._look_of_missing(origin_of(url))
        return missing is not None and look.resembles(missing)

    async def _look_of_missing(self, origin: str) -> Look | None:
        async with self._locks.setdefault(origin, asyncio.Lock()):
            if origin not in self._missing:
                self._missing[origin] = await self._ask(impossible_url(origin))
        return self._missing[origin]


def impossible_url(origin: str) -> str:
    """An address that no site has, the same at every crawl."""
    return f"{origin}/{hashlib.sha256(origin.encode()).hexdigest()[:24]}"
