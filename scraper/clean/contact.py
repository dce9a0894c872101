"""Phone numbers and e-mail addresses become `[phone]` and `[email]`.

Numbers are found with Google's libphonenumber (`phonenumbers`), so that years, weights, prices,
dates and article numbers stay: a number counts when it is valid in the configured country, or
international with `+`; one that is merely possible counts after a word such as "Phone:", where it
is written as area code and number with a leading 0 (01632 960187), or as a range of valid numbers
(042-35398061-70). Addresses follow the HTML standard's definition
(https://html.spec.whatwg.org/#valid-e-mail-address) with a dot in the domain.
"""

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatch, PhoneNumberMatcher

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(
    rf"(?:mailto:)?(?<![\w.+@-])[\w.!#$%&'*+/=?^`{{|}}~-]+@(?:{_LABEL}\.)+[a-z][a-z0-9-]*[a-z]\b",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PHONE_LINK = re.compile(r"(wa\.me/|[?&]phone=|tel:)\+?\d[\d-]{5,18}\d", re.IGNORECASE)
_PHONE_WORD = re.compile(
    r"\b(?:phones?|ph|tel|telephone|telefon|t[ée]l[ée]phone|tel[ée]fono|call(?: us)?(?: at| on)?|"
    r"mobile|cell|whats ?app|fax|uan|hotline|helpline|toll[ -]free)(?: (?:no|number|nr))?"
    r"[\s.:#/–-]*\(?\+?$",
    re.IGNORECASE,
)
_ARTICLE_WORD = re.compile(
    r"(?:\b(?:sku|ean|upc|gtin|isbn|issn|asin|mpn|art|article|item|model|part|order|lot|batch|id)"
    r"(?:[ .-]*(?:no|nr|number|code))?[\s.:#]*|#)$",
    re.IGNORECASE,
)
_CURRENCY = re.compile(r"(?:[$€£¥₹₨]|\b(?:rs|pkr|usd|eur|gbp|inr|aed))[. ]*$", re.IGNORECASE)
_AREA_CODE = re.compile(r"\(?0\d{2,4}\)?[ -](?:\d{6,8}|\d{3,4}[ -]\d{3,4})")
_RANGE = re.compile(r"(?P<first>.*\d)\s?[-–/]\s?\d{1,4}")
_DATE = re.compile(r"(?:\d{4}([-./])\d\d?\1\d\d?|\d\d?([-./])\d\d?\2(?:\d{4}|\d\d))(?!\d)")
_YEARS = re.compile(r"(?:1[5-9]|20)\d\d(?:\D+(?:1[5-9]|20)\d\d)*")


def mask_contacts(text: str, region: str) -> str:
    """Mask the contact data in a text.

    Args:
        text: any text.
        region: ISO 3166 code of the country whose national numbers are read.
    """
    text = _PHONE_LINK.sub(r"\1[phone]", _EMAIL.sub("[email]", text))
    return "\n".join(_mask_phones(line, region) for line in text.split("\n"))


def is_region(region: str) -> bool:
    """Whether phone numbers of this country are known."""
    return region in phonenumbers.SUPPORTED_REGIONS


def _mask_phones(line: str, region: str) -> str:
    for match in reversed(list(_phones(line, region))):
        line = line[: match.start] + "[phone]" + line[match.end :]
    return line


def _phones(line: str, region: str) -> Iterator[PhoneNumberMatch]:
    if sum(character.isdigit() for character in line) < 6:
        return
    links = [url.span() for url in _URL.finditer(line)]
    valid = {(m.start, m.end) for m in PhoneNumberMatcher(line, region, leniency=Leniency.VALID)}
    covered = 0
    for match in _candidates(line, region):
        before, after = line[: match.start], line[match.end :]
        raw = match.raw_string.strip()
        is_labelled = _PHONE_WORD.search(before) is not None
        is_phone = (
            is_labelled
            or (match.start, match.end) in valid
            or _AREA_CODE.fullmatch(raw)
            or _is_range(raw, region)
        )
        is_other = (
            any(start <= match.start < end for start, end in links)
            or _CURRENCY.search(before)
            or _DATE.match(raw)
            or _YEARS.fullmatch(raw)
        )
        is_article = not is_labelled and (
            re.match(r"[-_]?[A-Za-z]", after)
            or re.search(r"[A-Za-z][-_/]?$", before)
            or _ARTICLE_WORD.search(before)
            or _has_article_mark(raw, region)
        )
        if match.start >= covered and is_phone and not is_other and not is_article:
            covered = match.end
            yield match


def _candidates(line: str, region: str) -> list[PhoneNumberMatch]:
    """Possible numbers (the longer reading), and valid ones the looser search read otherwise."""
    found = [
        match
        for leniency in (Leniency.POSSIBLE, Leniency.VALID)
        for match in PhoneNumberMatcher(line, region, leniency=leniency)
        if sum(character.isdigit() for character in match.raw_string) >= 6
    ]
    return sorted(found, key=lambda match: (match.start, -match.end))


def _is_range(raw: str, region: str) -> bool:
    """Whether this is a valid number and the last digits of its neighbours' numbers."""
    match = _RANGE.fullmatch(raw.strip())
    return match is not None and _is_valid(match["first"], region)


def _has_article_mark(raw: str, region: str) -> bool:
    """Whether a `#` makes this an article number, and not a valid number's extension."""
    head, mark, _ = raw.partition("#")
    return bool(mark) and not _is_valid(head.rstrip(" ,;"), region)


def _is_valid(text: str, region: str) -> bool:
    found = PhoneNumberMatcher(text, region, leniency=Leniency.VALID)
    return any((match.start, match.end) == (0, len(text)) for match in found)
