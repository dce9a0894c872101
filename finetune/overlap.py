"""Do two texts share a run of words? What keeps briefs from giving away the text they ask for.

Words are letters and digits with their marks, in any script, whatever stands between them. Scripts
written without spaces (Han, kana, Thai) have few such words, so that only long runs are noticed.
"""

from collections.abc import Set

import regex  # `re` has no \p{M}

WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*")

Runs = Set[tuple[str, ...]]


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return [str(word) for word in WORD.findall(text.casefold())]


def runs(text: str, length: int) -> Runs:
    """All runs of so many words in a row."""
    found = words(text)
    return {tuple(found[start : start + length]) for start in range(len(found) - length + 1)}


def shared_run(text: str, others: Runs, length: int) -> str:
    """The first run of so many words that stands in both; empty where there is none."""
    found = words(text)
    for start in range(len(found) - length + 1):
        if (run := tuple(found[start : start + length])) in others:
            return " ".join(run)
    return ""
