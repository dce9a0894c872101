"""Contact data: e-mail addresses, phone numbers and street addresses, masked or removed.

E-mail addresses are those of the HTML standard (https://html.spec.whatwg.org/#valid-e-mail-address)
that have a dot in the domain and before the @ only what addresses of people and firms have there:
the other signs it allows are markup, quotes and parts of URLs where they occur in texts.
"""

import re
from typing import Literal

from scraper.clean.phones import PHONE_WORD, find_phones, mask_spelled
from scraper.clean.repair import tidy
from scraper.clean.street import mask_streets

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = rf"\w(?:[\w.+%-]*\w)?@(?>(?:{_LABEL}\.)+[a-z][a-z0-9-]*[a-z]\b)"
_EMAIL = re.compile(
    rf"(?:(?<![\w.+%@/-])|(?<=\]/)|(?<=mail/))([.+%-]*)(?:mailto:)?(?!git@[\w.-]+:\w){_ADDRESS}"
    r"(?!:[\w./~-]+\.git\b)",
    re.IGNORECASE,
)
"""Not what follows a slash, as in a profile's URL, unless an address or "e-mail" stands before it,
and not the address of a Git repository."""
_EMAIL_LINK = re.compile(rf"\[{_ADDRESS}\]\(mailto:{_ADDRESS}[^()\s]*\)", re.IGNORECASE)
"""A Markdown link that shows the address it goes to."""
_PHONE_LINK = re.compile(r"(wa\.me/|[?&]phone=|tel:)\+?\d[\d-]{5,18}\d", re.IGNORECASE)
_MASKED_LINK = re.compile(r"(?<!\S)\S*(?:wa\.me/|[?&]phone=|tel:)\[phone\]\S*", re.IGNORECASE)
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
        masked = _EMAIL.sub(r"\1[email]", _EMAIL_LINK.sub("[email]", text))
        masked = mask_spelled(_PHONE_LINK.sub(r"\1[phone]", masked))
        if streets:
            masked = mask_streets(masked, region)
        masked = "\n".join(_mask_phones(line, region) for line in masked.split("\n"))
        if masked == text:  # a mask changes what stands beside it; each turn leaves fewer digits
            return text
        text = masked


def _mask_phones(line: str, region: str) -> str:
    for start, end in reversed(list(find_phones(line, region))):
        line = line[:start] + "[phone]" + line[end:]
    return line


def _without_masks(text: str) -> str:
    lines = []
    for line in text.split("\n"):
        rest = _MASKED_LINK.sub("", line) if "[phone]" in line else line
        rest = _LEFT_OVER.sub("", _MASKED.sub("", rest))
        if rest == line or re.search(r"[^\W_]", rest):
            lines.append(rest)
    return tidy("\n".join(lines))
