"""Reading the loosely typed fields of an Apify item: names differ by actor and by year.

An item keeps only what `scraper.raw.Post` names; what commenters wrote is never looked at.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import regex

Item = Mapping[str, Any]

_UNITS = {
    1: ("",),
    1_000: ("k", "tsd", "tis", "mil", "mila", "bin", "rb", "тыс"),
    100_000: ("lakh", "lac"),
    1_000_000: ("m", "mn", "mio", "mln", "mill", "jt", "млн"),
    10_000_000: ("crore", "cr"),
    1_000_000_000: ("b", "bn", "mrd", "mld", "md", "млрд"),
}
"""What the platforms write behind a count, by the language of whoever ran the actor."""
_FACTORS = {unit: factor for factor, units in _UNITS.items() for unit in units}
_COUNT = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<mark>[.,'’ ])[0-9]{3})(?:(?P=mark)[0-9]{3})*"
    r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|[0-9]+)(?:[.,](?P<part>[0-9]{1,3}))?"
    r"(?![.,'’]?\d)(?P<gap> ?)(?P<unit>[^\W\d_]*)"
)
"""Thousands are parted by threes, or as in India (12,34,567); a number read in part is none."""
_MOST = 10**12
"""No count is larger; NaN and infinity are not below it either."""
_REPOST = re.compile(
    r"\W*(?:re-?(?:post|gram|grann)(?:ed|ing)?|posted)\W+(?:(?:from|by|via|with)\W+)*@\w",
    re.IGNORECASE,
)
_HASHTAG = regex.compile(r"(?<![\p{L}\p{N}_&/#])#(?=[\w\p{M}]*\p{L})([\p{L}\p{N}_][\w\p{M}]*)")
"""With the vowel signs of Hindi, Urdu, …; "#1" is a rank and no tag."""
_NOT_AN_ACCOUNT = {
    "p", "reel", "reels", "tv", "stories", "explore", "posts", "photo", "photo.php", "story.php",
    "permalink.php", "watch", "groups", "pages", "share", "events", "hashtag", "people",
}  # fmt: skip
"""First path segments of facebook.com and instagram.com that name no account."""
_OF_A_COMMENT = ("commentUrl", "commentId", "threadingDepth", "postTitle", "profileUrl")


def first(item: Item, *paths: str) -> Any:
    """The first value that is there and not empty; `a.b` looks into the object `a`.

    Strings come without halves of characters, so that they can be written.
    """
    for path in paths:
        value: Any = item
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None and value != "" and value != []:
            return _whole(value) if isinstance(value, str) else value
    return None


def text_of(item: Item, *paths: str) -> str:
    """The first of the named fields that is a string, or the `text` of the object it holds."""
    value = first(item, *paths)
    if isinstance(value, Mapping):
        value = first(value, "text")
    return value if isinstance(value, str) else ""


def _whole(text: str) -> str:
    """The text with � for half of a character: a caption may be cut off in the middle of an emoji.

    Such a half (a lone surrogate) can stand in JSON, but not in a file.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_comment(item: Item) -> bool:
    """Whether this is what somebody wrote below a post."""
    return (
        any(key in item for key in _OF_A_COMMENT)
        or str(item.get("type", "")).lower() == "comment"
        or any("comment_id=" in str(item.get(key, "")) for key in ("url", "topLevelUrl", "postUrl"))
    )


def count_of(value: Any) -> int | None:
    """A count such as 17, "1,234", "2.4K" or "1,2 Tsd."; None for -1 (hidden) and anything else.

    A mark before three digits parts thousands, before one or two (or with a unit) decimals. A word
    that is no known unit may only say what was counted ("12 likes").
    """
    if isinstance(value, str):
        value = _count_in(" ".join(value.split()))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 <= value < _MOST else None


def _count_in(text: str) -> float | None:
    match = _COUNT.match(text)
    if not match:
        return None
    whole, part, unit = match["whole"], match["part"] or "", match["unit"].casefold()
    if unit not in _FACTORS and (part or not match["gap"] or not unit.isascii()):
        return None  # 3.4万
    factor = _FACTORS.get(unit, 1)
    if factor > 1 and not part and match["mark"] in (".", ",") and len(whole) <= 7:
        whole, _, part = whole.replace(",", ".").partition(".")  # 1.234K is no million
    number = float(f"{re.sub(r'[^0-9]', '', whole)}.{part or 0}")
    return number * factor


def time_of(value: Any) -> str | None:
    """ISO 8601 in UTC, from ISO 8601 or from seconds or milliseconds since 1970."""
    if isinstance(value, str) and re.fullmatch(r"\d{9,13}", value.strip()):
        value = int(value)
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        else:
            return None
        return moment.astimezone(UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


def is_true(value: Any) -> bool:
    """True for true, 1 and "true" (a CSV knows only text)."""
    return value is True or value == 1 or (isinstance(value, str) and value.lower() == "true")


def account_name(value: Any) -> str:
    """An account's name as it stands in its URL, lower case, from a name, an @name or a URL."""
    if not isinstance(value, str):
        return ""
    name = value.strip()
    if re.match(r"(https?://)?([\w-]+\.)*(facebook|instagram)\.com(/|$)", name, re.IGNORECASE):
        parts = urlsplit(name if "://" in name else f"https://{name}")
        segments = [segment for segment in parts.path.split("/") if segment]
        if segments and segments[0] == "profile.php":
            name = parse_qs(parts.query).get("id", [""])[0]
        elif segments and segments[0].lower() not in _NOT_AN_ACCOUNT:
            name = segments[0]
        else:
            name = ""
    return name.removeprefix("@").lower()


def hashtags(text: str, given: Any = None) -> list[str]:
    """Hashtags without `#`, each once, in the order of the text.

    The platform's own list is preferred where an item has one: it knows where a tag ends.
    """
    found = given if isinstance(given, Sequence) and not isinstance(given, str) else []
    tags = [
        _whole(tag.removeprefix("#")) for tag in found if isinstance(tag, str) and tag.strip("#")
    ]
    if tags:
        lowered = text.lower()
        places = {tag: lowered.find(f"#{tag.lower()}") for tag in tags}
        return sorted(dict.fromkeys(tags), key=lambda tag: places[tag] % (len(text) + 1))
    return list(dict.fromkeys(_HASHTAG.findall(text)))


def is_repost(text: str) -> bool:
    """Whether a caption begins as the apps that repeat another account's post write it."""
    return _REPOST.match(text) is not None


def error_of(item: Item) -> str:
    """What an error item says (blocked or missing profiles come back as such), else empty."""
    error = first(item, "error", "errorCode", "#error")
    if error is None or error is False:
        return ""
    detail = first(item, "errorDescription", "errorMessage", "message")
    said = ": ".join(str(part) for part in (error, detail) if part not in (None, True))
    return f"the scraper could not read it ({said or 'no reason given'})"[:300]
