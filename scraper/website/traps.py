"""Traps: addresses that a site makes up without end.

Two kinds are told apart. An odd URL says by itself that it leads nowhere new. A family of URLs
(the months of a calendar, the parameters of one path) is given up once its own pages have shown
that it goes on without bringing anything: see `is_barren`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

LONGEST_URL = 2000
MOST_SEGMENTS = 20
MOST_PARAMETERS = 12
MOST_REPEATS = 3
"""So often may a segment, or a group of up to four, stand in a path one after the other, less one.

Years and numbers may repeat: /2011/11/11 is a date."""
MOST_NUMBERED_SEGMENTS = 5
"""The same for segments that differ in their numbers alone, as in /level1/level2/level3."""
MOST_COMBINATIONS = 100
"""URLs of one path with two or more parameters, page and item numbers aside."""
FEW_WORDS = 6
"""Two pages of a family say the same if their words, numbers aside, differ in no more than this."""

_LONGEST_GROUP = 4
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"p|pg|page|paged|pagina|page_?(?:no|num|number|size)|seite|start|offset|from|skip|limit|"
    r"per_?page|cursor|after",
    re.IGNORECASE,
)
_ITEM_NUMBER = re.compile(
    r".*id|id_.*|sku|ean|isbn|nr|no|num|code|product|item|article|post|cat|category|slug|title",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:.*[_-])?(?:date|day|month|year|week|mon|cal|calendar|time)(?:[_-].*)?", re.IGNORECASE
)
_DATE = re.compile(r"(?:19|20|21)\d\d-?(?:0[1-9]|1[0-2])(?:-?(?:0[1-9]|[12]\d|3[01]))?")
_DATED_PATH = re.compile(
    r"(?P<before>.*?)/(?:19|20|21)\d\d"
    r"(?:[/-](?:0?[1-9]|1[0-2])(?:[/-](?:0?[1-9]|[12]\d|3[01]))?)?/?"
)


def oddity(url: str) -> str | None:
    """Why a normalised URL alone looks like a trap, or None."""
    if len(url) > LONGEST_URL:
        return f"its URL is longer than {LONGEST_URL} characters"
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) > MOST_SEGMENTS:
        return f"its path has more than {MOST_SEGMENTS} segments"
    if _repeats(segments):
        return f"its path repeats itself {MOST_REPEATS} times"
    parameters = parts.query.split("&") if parts.query else []
    if len(parameters) > MOST_PARAMETERS:
        return f"it has more than {MOST_PARAMETERS} parameters"
    if any(parameters.count(parameter) >= MOST_REPEATS for parameter in parameters):
        return f"it repeats a parameter {MOST_REPEATS} times"
    return None


def _repeats(segments: Sequence[str]) -> bool:
    for length in range(1, min(_LONGEST_GROUP, len(segments) // MOST_REPEATS) + 1):
        groups = [tuple(segments[i : i + length]) for i in range(len(segments) - length + 1)]
        for start, group in enumerate(groups):
            following = groups[start : start + MOST_REPEATS * length : length]
            if following.count(group) == MOST_REPEATS and not "".join(group).isdigit():
                return True
    shapes = [_DIGITS.sub("0", segment) for segment in segments]
    run = 1
    for shape, following_shape in pairwise(shapes):
        run = run + 1 if shape == following_shape != "0" and "0" in shape else 1
        if run == MOST_NUMBERED_SEGMENTS:
            return True
    return False


class Kind(Enum):
    """What the URLs of a family have in common: and how many barren pages give it up."""

    DATES = 6
    PARAMETERS = 20
    NUMBERS = 100


@dataclass(frozen=True)
class Family:
    """URLs that may be made up from one another."""

    kind: Kind
    key: str


def family_of(url: str) -> Family | None:
    """The family of a normalised URL; None for the many that cannot be made up.

    A date at the end of the path or in a parameter; parameters that count pages or items; other
    parameters. Numbers in a path make no family: most products have one.
    """
    parts = urlsplit(url)
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    dated = _DATED_PATH.fullmatch(parts.path)
    if dated or any(map(_is_time, parse_qsl(parts.query))):
        return Family(Kind.DATES, f"{parts.netloc}{dated['before'] if dated else parts.path}")
    if not names:
        return None
    if any(map(_ITEM_NUMBER.fullmatch, names)) or all(map(_PAGE_NUMBER.fullmatch, names)):
        counted = ",".join(sorted(set(names)))
        return Family(Kind.NUMBERS, f"{parts.netloc}{parts.path}?{counted}")
    return Family(Kind.PARAMETERS, f"{parts.netloc}{parts.path}")


def combines(url: str) -> bool:
    """Whether a URL of a `PARAMETERS` family has two or more, page numbers aside."""
    names = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return sum(not _PAGE_NUMBER.fullmatch(name) for name in names) >= 2


def _is_time(parameter: tuple[str, str]) -> bool:
    name, value = parameter
    return bool(_DATE.fullmatch(value) or (_TIME.fullmatch(name) and value[:1].isdigit()))


@dataclass(frozen=True)
class Seen:
    """What a visited page of a family brought."""

    words: frozenset[str]
    """Its distinct words without numbers."""
    leads_on: bool
    """It was the first to link to further URLs of its family."""
    leads_elsewhere: bool
    """It was the first to link to any other URL."""


def is_barren(latest: Sequence[Seen]) -> bool:
    """Whether the latest pages of a family show that it goes on for ever and says nothing.

    All of them: none led to anything new but more of the family, and each said the same as another
    one, numbers and a few words (names of months) aside. And at least two led on to more of the
    family: pages at the end of the way, such as products, are finite whatever they say.
    """
    if any(page.leads_elsewhere for page in latest) or sum(p.leads_on for p in latest) < 2:
        return False
    return all(
        any(len(page.words ^ other.words) <= FEW_WORDS for j, other in enumerate(latest) if j != i)
        for i, page in enumerate(latest)
    )


def words_of(texts: Iterable[str]) -> frozenset[str]:
    """Distinct words, those with a digit in them left out."""
    return frozenset(
        word
        for text in texts
        for word in text.casefold().split()
        if not any(character.isdigit() for character in word)
    )
