"""Where two texts differ, in pieces small enough to read."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from pydantic import BaseModel

CONTEXT = 24
"""Characters shown on either side of a difference."""
NEAR = 3
"""Tokens. Differences with at most so many equal ones between them are one piece."""
_TOKEN = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")
_MOST_TOKENS = 4_000
"""Longer differing stretches are compared line by line: token by token takes their square."""
_SIGNS = {"\n": "↵", "\t": "⇥", "\r": "␍"}


class Piece(BaseModel):
    """One difference, with what stands before and after it."""

    lead: str
    removed: str
    added: str
    trail: str


def pieces(before: str, after: str) -> list[Piece]:
    """The differences in order; applying them all to `before` gives `after`."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(old), len(new)) > _MOST_TOKENS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found = []
    for i, i_end, j, j_end in _differences(old, new):
        lead, trail = "".join(old[max(0, i - 40) : i]), "".join(old[i_end : i_end + 40])
        found.append(
            Piece(
                lead=_tail(lead, CONTEXT),
                removed="".join(old[i:i_end]),
                added="".join(new[j:j_end]),
                trail=_head(trail, CONTEXT),
            )
        )
    return found


def _differences(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Ranges of `old` and `new` that differ; near ones are joined."""
    joined: list[tuple[int, int, int, int]] = []
    for tag, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if joined and i - joined[-1][1] <= NEAR:
            joined[-1] = (joined[-1][0], i_end, joined[-1][2], j_end)
        else:
            joined.append((i, i_end, j, j_end))
    return joined


def visible(text: str, *, whole: bool = True) -> str:
    """The text on one line, with signs for line breaks and for what cannot be seen.

    Runs of spaces are shown as `·`, and in a whole text spaces at its ends too.
    """
    runs = r"^ +| +$| {2,}" if whole else r" {2,}"
    spaced = re.sub(runs, lambda run: "·" * len(run[0]), text)
    return "".join(_sign(character) for character in spaced)


def shortened(text: str, most: int) -> str:
    """The text without its middle where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} … {text[-half // 2 :]} ({len(text):,} characters)"


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    # The joiners are part of emoji and of Urdu words; as codes they would hide what they join.
    if character.isprintable() or character in "\u200c\u200d":
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _tail(text: str, most: int) -> str:
    return text if len(text) <= most else "…" + text[-most:]


def _head(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"
