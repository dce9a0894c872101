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
    r"\b(?:phones?|ph|t[ée]l|tlf|telephone|telefon|t[ée]l[ée]phone|tel[ée]fono|"
    r"(?:call|ring|text|dial|sms|contact)(?: us| me)?(?: at| on)?|mobile|mob|cell|whats ?app|fax|"
    r"uan|hotline|helpline|customer (?:care|service|support)|toll[ -]free)"
    r"(?:[ .]{0,2}(?:nos?|numbers?|nr)\b)?[\s.:#/–-]*"
)
"""A word that announces a phone number."""

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NEAR = 60
"""Characters before a number in which a word can announce it."""
_PHONE_WORD = re.compile(PHONE_WORD + r"[(\[]?\+?$", re.IGNORECASE)
_SUFFIX = r"(?:[ .-]*(?:nos?|nr|numbers?|codes?|ids?)\b)"
_ARTICLE_WORD = re.compile(
    r"(?:\b(?:(?:skus?|eans?|upcs?|gtins?|isbns?|issn|asins?|mpns?|arts?|articles?|artikel|items?|"
    r"models?|parts?|lots?|batch|refs?|references?|serial|invoices?|tracking|patents?|barcodes?|"
    r"styles?|flights?|vat|iban|(?:artikel|bestell)-?(?:nr|nummern?)|(?-i:Los|Charge))"
    rf"\b{_SUFFIX}*|(?:orders?|cases?|tickets?|accounts?|registration|licen[cs]e|zip|"
    rf"product|customer|booking|file)\b{_SUFFIX}+)[\s.:#=(]*|№\s?)$",
    re.IGNORECASE,
)
"""German nouns are capitalised: "free of charge" and Spanish "a los" announce a phone number."""
_MAYBE_ARTICLE_WORD = re.compile(
    r"\b(?:order|(?<!for )orders|cases?|tickets?|accounts?|codes?|ids?|nos?|nr)[\s.:=(#]*$",
    re.IGNORECASE,
)
"""What announces an article as well as a phone number ("orders: 0300-1234567")."""
_NUMBER_SIGN = re.compile(r"#\s?$")
_LISTED_BEFORE = re.compile(r"(\d[\d -]*\d)\s*(?:[,;/&]|\band|\bor|\s)\s*(?:and |or )?$")
_MONEY = r"[$€£¥₹₨]|\b(?:rs|pkr|usd|eur|gbp|inr|aed)"
_CURRENCY = re.compile(rf"(?:{_MONEY})[. ]*-?$", re.IGNORECASE)
_UNIT = re.compile(
    rf" ?(?:(?:{_MONEY})\b|[$€£¥₹₨%°]|/-|(?:k?g|m?l|m?m|cm|km|oz|lbs?|pcs|pieces|units|people|"
    r"views|likes|followers|dollars?|euros?|pounds?|rupees?|kwh|rpm|points?)\b)",
    re.IGNORECASE,
)
_UNIT_WORD = re.compile(
    r" ?(?:(?:kilo|milli)?gram(?:me)?s?|kilos?|tons?|tonnes?|ounces?|(?:milli)?lit(?:er|re)s?|"
    r"cups?|bags?|boxes|packs?|bottles?|gallons?|(?:kilo|centi|milli)?met(?:er|re)s?|miles?|"
    r"customers|stück|tassen|gramm|kilogramm|tonnen)\b",
    re.IGNORECASE,
)
"""Said also right after a phone number; only one in one piece, or in thousands, is measured."""
_COUNT = re.compile(r"[1-9]\d*|[1-9]\d{0,2}(?:[ .]\d{3})+")
_AREA_CODE = re.compile(r"\(?0\d{2,4}\)?[ -](?:\d{6,8}|\d{3,4}[ -]\d{3,4})")
_SHORT = re.compile(r"[1-9](?:\D?\d){0,5}")
"""Up to six digits: a local number at best, or a score (168-100); it needs a word before it."""
_RANGE = re.compile(r"(?P<first>.*\d)\s?[-–/]\s?\d{1,4}")
_BETWEEN = r"[-–./ ]| / |\. "
_YEAR = r"(?:1[5-9]|20)\d\d(?!\d)"
_DATE = re.compile(
    rf"{_YEAR}({_BETWEEN})\d\d?\1\d\d?(?!\d)|\d\d?({_BETWEEN})\d\d?\2"
    rf"(?:{_YEAR}|\d\d(?!\d|[-–./ ]\d\d(?!:|[./]\d\d[./]\d\d(?!\d))))"
)
"""A year of two digits ends it, but for a time or a second date: 01 42 68 53 00 is a number."""
_WHOLE_DATE = re.compile(rf"(?<!\d)(?<!\d[-–./ ])(?:{_DATE.pattern})")
_MONTH = r"(?:0\d|1[0-2])"
_DATE_IN_ONE_PIECE = re.compile(
    rf"(?:(?:19|20)\d\d{_MONTH}[0-3]\d|[0-3]\d{_MONTH}(?:19|20)\d\d)(?!\d)"
)
"""Eight digits that a phone number may have as well."""
_YEARS = re.compile(r"(?:1[5-9]|20)\d\d(?:\D+(?:1[5-9]|20)\d\d)*")
_COORDINATE = re.compile(r"\d{1,3}\.\d{5,}(?!\d)")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
"""An IP address, or a version."""

_SPELLED = re.compile(r"(?<![\w-])[+(]{0,2}\d[\d ()-]{0,12}([A-Z]{4,10}) ?\((\d{4,10})\)")


def is_region(region: str) -> bool:
    """Whether phone numbers of this country (ISO 3166, capitals) are known."""
    return region in phonenumbers.SUPPORTED_REGIONS


def find_phones(line: str, region: str) -> Iterator[tuple[int, int]]:
    """Where the phone numbers in a line start and end, from left to right.

    Args:
        line: text without a line break.
        region: ISO 3166 code of the country whose national numbers are read.
    """
    if _digits(line) < 6:
        return
    others = [found.span() for sort in (_URL, _WHOLE_DATE) for found in sort.finditer(line)]
    valid = {(m.start, m.end) for m in PhoneNumberMatcher(line, region, leniency=Leniency.VALID)}
    articles = _Articles(line)
    covered = 0
    for match in _candidates(line, region):
        start = match.start + _opening(match.raw_string)
        raw = line[start : match.end].strip()
        before, after = line[max(0, start - _NEAR) : start], line[match.end : match.end + _NEAR]
        is_valid = (match.start, match.end) in valid
        is_labelled = _PHONE_WORD.search(before) is not None
        is_phone = (
            is_labelled
            or (is_valid and not _SHORT.fullmatch(raw))
            or _AREA_CODE.fullmatch(raw)
            or _is_range(raw, region)
        )
        in_other = any(first <= start < last for first, last in others)
        is_other = in_other or _is_amount_or_date(before, raw, after) or (
            not is_labelled
            and (
                (not is_valid and _NUMBER_SIGN.search(before) is not None)
                or _is_article_or_measure(before, raw, after, region)
                or articles.announce(start, raw)
            )
        )  # fmt: skip
        if start >= covered and is_phone and not is_other:
            covered = match.end
            yield start, match.end


def mask_spelled(text: str) -> str:
    """Mask numbers that end in a word whose keys follow in brackets: 0310-DANEDAR (3263327)."""

    def mask(match: re.Match[str]) -> str:
        keys = phonenumbers.convert_alpha_characters_in_number(match[1])
        return "[phone]" if keys == match[2] else match[0]

    return _SPELLED.sub(mask, text)


def _opening(raw: str) -> int:
    """Characters before the number that belong to the sentence: dashes, brackets that stay open."""
    place = 0
    while raw[place] in " -–—([（［":
        rest = raw[place:]
        opened, closed = (sum(rest.count(sign) for sign in signs) for signs in ("([（［", ")]）］"))
        if rest[0] in "([（［" and opened <= closed:
            break
        place += 1
    return place


def _candidates(line: str, region: str) -> list[PhoneNumberMatch]:
    """Possible numbers (the longer reading), and valid ones the looser search read otherwise."""
    found = [
        match
        for leniency in (Leniency.POSSIBLE, Leniency.VALID)
        for match in PhoneNumberMatcher(line, region, leniency=leniency)
        if _digits(match.raw_string.partition("#")[0]) >= 6
    ]
    return sorted(found, key=lambda match: (match.start, -match.end))


def _is_amount_or_date(before: str, raw: str, after: str) -> bool:
    """Whether this is money, a date, a decimal or an IP address, whatever word precedes."""
    return bool(
        _CURRENCY.search(before)
        or re.search(r"\d[.,]$", before)
        or _DATE.match(raw + after)
        or _YEARS.fullmatch(raw)
        or _COORDINATE.match(raw)
        or _DOTTED.match(raw)
    )


def _is_article_or_measure(before: str, raw: str, after: str, region: str) -> bool:
    return bool(
        re.match(r"[-_]?[A-Za-z]", after)
        or re.search(r"[A-Za-z][-_/]?$", before)
        or _UNIT.match(after)
        or (_COUNT.fullmatch(raw) and _UNIT_WORD.match(after))
        or _DATE_IN_ONE_PIECE.match(raw)
        or _has_article_mark(raw, region)
        or _is_barcode(raw)
    )


class _Articles:
    """Which numbers of a line "SKU" or the like announces, alone or as a list of equal length.

    Where the word leaves it open, a number in one piece is an article's, and one that is cut up or
    starts with 0 or + a phone's.
    """

    def __init__(self, line: str) -> None:
        self._line = line
        self._known: dict[tuple[int, int, bool], bool] = {}
        """Verdicts by start, digits and being in one piece: a long list is walked once."""

    def announce(self, start: int, raw: str) -> bool:
        """Whether such a word stands before the number, or before the list it goes on with."""
        length, in_one_piece = _digits(raw), re.fullmatch(r"[1-9]\d*", raw) is not None
        walked = []
        verdict = None
        while verdict is None:
            key = (start, length, in_one_piece)
            walked.append(key)
            before = self._line[max(0, start - _NEAR) : start]
            listed = _LISTED_BEFORE.search(before)
            if key in self._known:
                verdict = self._known[key]
            elif _ARTICLE_WORD.search(before) or (
                in_one_piece and _MAYBE_ARTICLE_WORD.search(before)
            ):
                verdict = True
            elif not listed or _digits(listed[1]) != length:
                verdict = False
            else:
                start -= len(before) - listed.start()
        self._known.update(dict.fromkeys(walked, verdict))
        return verdict


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
