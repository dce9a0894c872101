"""Markup that a parser does not get through: nested too deep, or tags with attributes without end.

libxml2 stops reading at a depth of 256 and loses the rest of the page. It compares every attribute
of a tag with the ones before: 50,000 take it seven seconds. Nobody writes so; it comes from
templates that open a wrapper in a loop, or from a page that means harm.
"""

import re
from typing import Any

DEEPEST = 200
"""Elements within one another that are kept."""

LONGEST_TAG = 50_000
"""Characters of a tag from which on its attributes are counted."""
MOST_ATTRIBUTES = 1000

_TAG = re.compile(r"<([a-zA-Z][\w-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>")
# What is not closed goes on to the end, as for a parser; otherwise each start would be read to it.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|textarea|title)\b.*?(?:</\1\s*>|\Z)"
    r"|<(/?)([a-z][a-z0-9-]*)\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*+>",
    re.IGNORECASE | re.DOTALL,
)
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)


def without_endless_tags(html: str) -> str:
    """The page without the attributes of tags that have more than `MOST_ATTRIBUTES`."""
    if len(html) <= LONGEST_TAG:
        return html
    pieces, end = [], 0
    for tag in _TAG.finditer(html):
        if tag.end() - tag.start() > LONGEST_TAG and len(tag[0].split()) > MOST_ATTRIBUTES:
            pieces += [html[end : tag.start()], f"<{tag[1]}>"]
            end = tag.end()
    return "".join([*pieces, html[end:]])


def cut_short(parser: Any) -> bool:
    """Whether an lxml parser gave a page up for its depth."""
    return any("depth" in entry.message for entry in parser.error_log)


def shallow(html: str) -> str:
    """The page without the tags of elements that lie deeper than `DEEPEST`; their text stays.

    Links stay, too, since what is known of a deep page is its text and where it leads.
    """
    open_tags = dropped = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal open_tags, dropped
        closes, name = match[2], (match[3] or "").lower()
        if not name or name in _VOID or name == "a":
            return match[0]
        if closes:
            if dropped:
                dropped -= 1
                return " "
            open_tags = max(0, open_tags - 1)
        elif open_tags >= DEEPEST:
            dropped += 1
            return " "
        else:
            open_tags += 1
        return match[0]

    return _MARKUP.sub(keep, html)
