"""Street addresses of the United States, Canada and the United Kingdom, found with `pyap`.

pyap knows the way these countries write an address: house number, street and its kind, then town,
state or province, and post code, on one line or several. It finds few addresses that are written
otherwise (a street alone, a post-office box), and those of no other country.
"""

import re

STREET_COUNTRIES = ("CA", "GB", "US")
"""ISO 3166 codes of the countries whose addresses are known."""

_MAY_BE_ADDRESS = re.compile(r"\d")
_DASH = "[-‐‑‒–—―]"


def mask_streets(text: str, country: str) -> str:
    """Put `[address]` in the place of each street address; other countries' texts stay as they are.

    Args:
        text: any text.
        country: ISO 3166 code.
    """
    if country not in STREET_COUNTRIES or not _MAY_BE_ADDRESS.search(text):
        return text
    import pyap

    for address in pyap.parse(text, country=country):
        text = _as_written(address.full_address).sub("[address]", text, count=1)
    return text


def _as_written(address: str) -> re.Pattern[str]:
    """Matches an address in the text it was found in: pyap turns line breaks into commas."""
    parts = (re.escape(part).replace(r"\-", _DASH) for part in re.split(r"[\s,]+", address))
    return re.compile(r"[\s,]+".join(parts))
