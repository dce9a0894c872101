"""Contact data: e-mail addresses, phone numbers and street addresses, masked or removed.

E-mail addresses follow the HTML standard's definition
(https://html.spec.whatwg.org/#valid-e-mail-address) with a dot in the domain.
"""

import re
from typing import Literal

from scraper.clean.phones import PHONE_WORD, find_phones
from scraper.clean.repair import tidy
from scraper.clean.street import mask_streets

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(
    rf"(?:mailto:)?(?<![\w.+@-])[\w.!#$%&'*+/=?^`{{|}}~-]+@(?:{_LABEL}\.)+[a-z][a-z0-9-]*[a-z]\b",
    re.IGNORECASE,
)
_PHONE_LINK = re.compile(r"(wa\.me/|[?&]phone=|tel:)\+?\d[\d-]{5,18}\d", re.IGNORECASE)
_MASKED_LINK = re.compile(r"\S*(?:wa\.me/|[?&]phone=|tel:)\[phone\]\S*", re.IGNORECASE)
_MASKED = re.compile(
    rf"(?:{PHONE_WORD}|\b(?:e-?mails?|write)(?: us)?(?: at| to)?[\s.:–-]*|\baddress[\s.:–-]*)?"
    r"\[(?:phone|email|address)\]",
    re.IGNORECASE,
)
_LEFT_OVER = re.compile(r"\s*\(\s*\)|\s*\[\s*\]|\s+(?=[.,;:!?])")


def without_contacts(
    text: str, how: Literal["mask", "remove", "keep"], region: str, *, streets: bool = False
) -> str:
    """The text with its contact data treated as `clean.contact` says.

    Args:
        text: any text.
        how: `mask` puts `[email]`, `[phone]` and `[address]` in its place; `remove` takes it out
            with the word that announces it, and the lines that held nothing else.
        region: ISO 3166 code of the country whose national phone numbers and street addresses are
            read.
        streets: street addresses too.
    """
    if how == "keep":
        return text
    masked = mask_contacts(text, region, streets=streets)
    if how == "mask":
        return masked
    rest = _without_masks(masked)
    while rest != text:  # what stood around a number that is gone may be one together
        text, rest = rest, _without_masks(mask_contacts(rest, region, streets=streets))
    return rest


def mask_contacts(text: str, region: str, *, streets: bool = False) -> str:
    """Mask the contact data in a text; what is masked is masked for good (idempotent)."""
    while True:
        masked = _PHONE_LINK.sub(r"\1[phone]", _EMAIL.sub("[email]", text))
        if streets:
            masked = mask_streets(masked, region)
        masked = "\n".join(_mask_phones(line, region) for line in masked.split("\n"))
        if masked == text:  # a mask changes what stands beside it; each turn leaves fewer digits
            return text
        text = masked


def _mask_phones(line: str, region: str) -> str:
    for match in reversed(list(find_phones(line, region))):
        line = line[: match.start] + "[phone]" + line[match.end :]
    return line


def _without_masks(text: str) -> str:
    lines = []
    for line in text.split("\n"):
        rest = _LEFT_OVER.sub("", _MASKED.sub("", _MASKED_LINK.sub("", line)))
        if rest == line or re.search(r"[^\W_]", rest):
            lines.append(rest)
    return tidy("\n".join(lines))
