"""Words, as extraction counts them and as the benchmark does."""

import re

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Runs of letters and digits, lower case."""
    return _WORD.findall(text.lower())


def key(text: str) -> str:
    """What is equal in two texts that differ in letter case and spacing alone."""
    return " ".join(text.casefold().split())
