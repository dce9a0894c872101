"""The names under which people are kept."""

import hashlib
import re

_ACCEPTABLE = re.compile(r"[\x21-\x7e]{1,128}")


def kept_name(name: str) -> str:
    """A person's name as the store knows it: short ASCII without spaces as it is, else its hash.

    No log and no database should meet the others raw.
    """
    if not name or _ACCEPTABLE.fullmatch(name):
        return name
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()
