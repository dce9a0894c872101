"""Where a line holds phone numbers.

Numbers are found with Google's libphonenumber (`phonenumbers`), so that years, weights, prices,
dates and article numbers stay: a number counts when it is valid in the configured country, or
international with `+`; one that is merely possible counts after a word such as "Phone:", where it
is written as area code and number with a leading 0 (01632 960187), or as a range of valid numbers
(042-35398061-70). What stands around it decides the rest: a number after "SKU", "Order No.", "ref"
and the like, or before a unit, is none, unless a word such as "call" stands between.
"""

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatch, PhoneNumberMatcher

PHONE_WORD = (
    r"\b(?:phones?|ph|tel|telephone|telefon|t[ée]l[ée]phone|tel[ée]fono|"
    r"(?:call|ring|text|dial|sms)(?: us| me)?(?: at| on)?|"
    r"mobile|cell|whats ?app|fax|uan|hotline|helpline|toll[ -]free)(?: (?:no|number|nr))?"
    r"[\s.:#/–-]*"
)
"""A word that announces a phone number."""

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PHONE_WORD = re.compile(PHONE_WORD + r"\(?\+?$", re.IGNORECASE)
_SUFFIX = r"(?:[ .-]*(?:nos?|nr|numbers?|codes?|ids?)\b)"
_ARTICLE_WORD = re.compile(
    r"(?:\b(?:(?:skus?|eans?|upcs?|gtins?|isbns?|issn|asins?|mpns?|arts?|articles?|artikel|items?|"
    r"models?|parts?|lots?|batch|refs?|references?|serial|invoices?|tracking|patents?|barcodes?|"
    rf"vat|iban)\b{_SUFFIX}*|(?:orders?|cases?|tickets?|accounts?|registration|licen[cs]e|zip|"
    rf"product|customer|booking|file)\b{_SUFFIX}+)[\s.:#=(]*|[#№]\s?)$",
    re.IGNORECASE,
)
_MAYBE_ARTICLE_WORD = re.compile(
    r"\b(?:orders?|cases?|tickets?|accounts?|codes?|ids?|nos?|nr)[\s.:=(]*$", re.IGNORECASE
)
"""What announces an article as well as a phone number ("orders: 0300-1234567")."""
_LISTED_BEFORE = re.compile(r"(\d[\d -]*\d)\s*(?:[,;/&]|\band|\bor|\s)\s*(?:and |or )?$")
_MONEY = r"[$€£¥₹₨]|\b(?:rs|pkr|usd|eur|gbp|inr|aed)"
_CURRENCY = re.compile(rf"(?:{_MONEY})[. ]*-?$", re.IGNORECASE)
_UNIT = re.compile(
    rf" ?(?:(?:{_MONEY})\b|[$€£¥₹₨%°]|/-|(?:k?g|m?l|m?m|cm|km|oz|lbs?|pcs|pieces|units|people|"
    r"views|likes|followers|dollars?|euros?|pounds?|rupees?|kwh|rpm|points?)\b)",
    re.IGNORECASE,
)
_AREA_CODE = re.compile(r"\(?0\d{2,4}\)?[ -](?:\d{6,8}|\d{3,4}[ -]\d{3,4})")
_SHORT = re.compile(r"[1-9](?:\D?\d){0,5}")
"""Up to six digits: a local number at best, or a score (168-100); it needs a word before it."""
_RANGE = re.compile(r"(?P<first>.*\d)\s?[-–/]\s?\d{1,4}")
_DATE = re.compile(
    r"(?:\d{4}([-./ ])\d\d?\1\d\d?|\d\d?([-./ ])\d\d?\2(?:\d{4}|\d\d)|(?:19|20)\d\d[01]\d[0-3]\d)"
    r"(?!\d)"
)
_YEARS = re.compile(r"(?:1[5-9]|20)\d\d(?:\D+(?:1[5-9]|20)\d\d)*")
_COORDINATE = re.compile(r"\d{1,3}\.\d{5,}(?!\d)")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
"""An IP address, or a version."""


def is_region(region: str) -> bool:
    """Whether phone numbers of this country (ISO 3166, capitals) are known."""
    return region in phonenumbers.SUPPORTED_REGIONS


def find_phones(line: str, region: str) -> Iterator[PhoneNumberMatch]:
    """The phone numbers in a line, from left to right, with their places.

    Args:
        line: text without a line break.
        region: ISO 3166 code of the country whose national numbers are read.
    """
    if _digits(line) < 6:
        return
    links = [url.span() for url in _URL.finditer(line)]
    valid = {(m.start, m.end) for m in PhoneNumberMatcher(line, region, leniency=Leniency.VALID)}
    covered = 0
    for match in _candidates(line, region):
        raw = match.raw_string.strip()
        before, after = line[: match.start], line[match.end :]
        is_labelled = _PHONE_WORD.search(before) is not None
        is_phone = (
            is_labelled
            or ((match.start, match.end) in valid and not _SHORT.fullmatch(raw))
            or _AREA_CODE.fullmatch(raw)
            or _is_range(raw, region)
        )
        in_link = any(start <= match.start < end for start, end in links)
        is_other = in_link or _is_amount_or_date(before, raw) or (
            not is_labelled and _is_article_or_measure(before, raw, after, region)
        )  # fmt: skip
        if match.start >= covered and is_phone and not is_other:
            covered = match.end
            yield match


def _candidates(line: str, region: str) -> list[PhoneNumberMatch]:
    """Possible numbers (the longer reading), and valid ones the looser search read otherwise."""
    found = [
        match
        for leniency in (Leniency.POSSIBLE, Leniency.VALID)
        for match in PhoneNumberMatcher(line, region, leniency=leniency)
        if _digits(match.raw_string.partition("#")[0]) >= 6
    ]
    return sorted(found, key=lambda match: (match.start, -match.end))


def _is_amount_or_date(before: str, raw: str) -> bool:
    """Whether this is money, a date, a decimal or an IP address, whatever word precedes."""
    return bool(
        _CURRENCY.search(before)
        or re.search(r"\d[.,]$", before)
        or _DATE.match(raw)
        or _YEARS.fullmatch(raw)
        or _COORDINATE.match(raw)
        or _DOTTED.match(raw)
    )


def _is_article_or_measure(before: str, raw: str, after: str, region: str) -> bool:
    return bool(
        re.match(r"[-_]?[A-Za-z]", after)
        or re.search(r"[A-Za-z][-_/]?$", before)
        or _UNIT.match(after)
        or _follows_article_word(before, raw)
        or _has_article_mark(raw, region)
        or _is_barcode(raw)
    )


def _follows_article_word(before: str, raw: str) -> bool:
    """Whether "SKU" or the like stands before it, or before a list of equally long numbers.

    Where the word leaves it open, a number in one piece is an article's, and one that is cut up or
    starts with 0 or + a phone's.
    """
    length = _digits(raw)
    in_one_piece = re.fullmatch(r"[1-9]\d*", raw)
    while not (
        _ARTICLE_WORD.search(before) or (in_one_piece and _MAYBE_ARTICLE_WORD.search(before))
    ):
        listed = _LISTED_BEFORE.search(before)
        if not listed or _digits(listed[1]) != length:
            return False
        before = before[: listed.start()]
    return True


def _has_article_mark(raw: str, region: str) -> bool:
    """Whether a `#` makes this an article number, and not a valid number's extension."""
    head, mark, _ = raw.partition("#")
    return bool(mark) and not _is_valid(head.rstrip(" ,;"), region)


def _is_barcode(raw: str) -> bool:
    """Whether these are thirteen digits in one piece, or an ISBN, with the check digit of GTIN-13.

    Standard: GS1 General Specifications, 7.9 (weights 1 and 3, sum divisible by 10).
    """
    digits = [int(digit) for digit in re.sub(r"[- ]", "", raw) if digit.isdigit()]
    if len(digits) != 13 or not re.fullmatch(r"\d{13}|97[89][- ][\d -]+", raw):
        return False
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def _is_range(raw: str, region: str) -> bool:
    """Whether this is a valid number and the last digits of its neighbours' numbers."""
    match = _RANGE.fullmatch(raw.strip())
    return match is not None and _is_valid(match["first"], region)


def _is_valid(text: str, region: str) -> bool:
    found = PhoneNumberMatcher(text, region, leniency=Leniency.VALID)
    return any((match.start, match.end) == (0, len(text)) for match in found)


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)
