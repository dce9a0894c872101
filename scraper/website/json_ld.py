"""JSON-LD as pages carry it: found, read in spite of slips, and its texts freed from markup."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from scraper.website.document import parse

MARKER = "ld+json"
"""Stands in every page that carries JSON-LD."""
MOST_NODES = 5_000
"""Things looked at in one page."""

_SCRIPTS = etree.XPath("//script[contains(translate(@type, 'LDJSON', 'ldjson'), 'ld+json')]")
_WRAPPING = re.compile(
    r"^\s*(?:<!--|(?://|/\*)?\s*<!\[CDATA\[(?:\s*\*/)?)|(?:(?://|/\*)?\s*\]\]>(?:\s*\*/)?|-->|;)\s*$"
)
_TRAILING_COMMA = re.compile(r"(\"(?:[^\"\\]|\\.)*\")|,(?=\s*[}\]])", re.DOTALL)
_MARKUP = re.compile(r"<[a-zA-Z/!]|&[#\w]+;")
_BREAKS = frozenset("address blockquote br dd div dt h1 h2 h3 h4 h5 h6 li p tr".split())  # noqa: SIM905
# Where further things of the page lie. Not where others are only mentioned (publisher, author).
_PARTS = ("@graph", "mainEntity", "itemListElement", "item", "hasVariant", "hasPart", "department")

Node = dict[str, Any]
"""A thing: its properties by name, its kind under `@type`."""


class Nodes:
    """The things of one page by their `@id`, so that a reference can be followed."""

    def __init__(self, things: Iterable[Node]) -> None:
        self._by_id: dict[str, Node] = {}
        for thing in things:
            if "@id" in thing and len(thing) > 1:
                self._by_id.setdefault(str(thing["@id"]), thing)

    def follow(self, value: Any) -> Any:
        """The thing that `{"@id": …}` stands for; anything else as it is."""
        if isinstance(value, dict) and "@id" in value and len(value) == 1:
            return self._by_id.get(str(value["@id"]), value)
        return value


def read_json_ld(html: str) -> tuple[list[Node], list[str]]:
    """Every thing that a page is about, parts after the whole; a reason per unreadable block."""
    if MARKER not in html.lower() or (tree := parse(html)) is None:
        return [], []
    blocks, reasons = [], []
    for number, script in enumerate(_SCRIPTS(tree), 1):
        try:
            blocks.append(_loads(script.text or ""))
        except (ValueError, RecursionError) as error:
            why = "nested too deep" if isinstance(error, RecursionError) else str(error)
            reasons.append(f"its JSON-LD block {number} cannot be read: {why}")
    return list(_things(blocks)), reasons


def _loads(text: str) -> Any:
    """JSON, also as pages write it: in a comment, with line breaks in strings, with commas left."""
    text = text.lstrip("\ufeff")
    while (bare := _WRAPPING.sub("", text)) != text:
        text = bare
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError:
        return json.loads(_TRAILING_COMMA.sub(lambda match: match[1] or "", text), strict=False)


def _things(blocks: Iterable[Any]) -> Iterator[Node]:
    waiting, count = list(blocks)[::-1], 0
    while waiting and count < MOST_NODES:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            count += 1
            yield value
            waiting += [value[part] for part in reversed(_PARTS) if part in value]


def plain(text: str) -> str:
    """Text without markup and entities, a line a block."""
    for _ in range(2):  # some escape twice
        if not _MARKUP.search(text):
            break
        text = _stripped(text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _stripped(text: str) -> str:
    tree = parse(f"<html><body><div>{text}</div></body></html>")
    if tree is None:
        return text
    pieces: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if element.tag in _BREAKS:
            pieces.append("\n")
        if event == "end":
            pieces.append(element.tail or "")
        elif isinstance(element.tag, str) and element.tag not in {"script", "style"}:
            pieces.append(element.text or "")
    return "".join(pieces)
