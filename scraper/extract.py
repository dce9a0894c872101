"""The main text and the title of a page."""

import logging
import re
from dataclasses import dataclass
from typing import Any

import lxml.etree
import lxml.html
from trafilatura import bare_extraction
from trafilatura.settings import Document, use_config

SHORT = 200
"""Words. A shorter result is tried again with recall in mind, and the longer of the two is taken.
On 138 saved pages of seven types this gave the best mean F1 against the main text: 0.748, against
0.742 without; and it keeps the headings and lists of short pages."""

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
"""A page without text is nothing to report; it is dropped with that reason."""

_ANY_SIZE = use_config()
_ANY_SIZE.set("DEFAULT", "MIN_EXTRACTED_SIZE", "25")
"""Characters. Below trafilatura's own 250 it falls back to bare paragraphs, without headings."""

_BLOCKS = [
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section",
    "table", "tr", "ul",
]  # fmt: skip
_UNSEEN = [
    "script", "style", "noscript", "template", "svg", "iframe", "head", "nav", "footer", "form",
]  # fmt: skip
_TABLE_RULE = re.compile(r"[|:\s-]*-{3}[|:\s-]*")
_SEPARATOR = re.compile(r"\s+[|·•»—–:-]\s+")


@dataclass(frozen=True)
class Extracted:
    """What a reader takes from a page; the text has a line per paragraph, heading or list item."""

    title: str
    text: str


def extract(html: str) -> Extracted:
    """Main text with trafilatura, else all of the body's text; empty when there is none."""
    document = _main_text(html)
    text = _text(document)
    if len(text.split()) < SHORT:
        wider = _text(_main_text(html, favor_recall=True, config=_ANY_SIZE))
        text = max(text, wider, key=lambda candidate: len(candidate.split()))
    title = _title(document) if document else ""
    if not text.strip():
        tree = _parse(html)
        text = _body_text(tree) if tree is not None else ""
        title = title or (tree.findtext(".//title") or "" if tree is not None else "")
    return Extracted(" ".join(title.split()), text.strip())


def _main_text(html: str, **options: Any) -> Document | None:
    document = bare_extraction(html, include_comments=False, with_metadata=True, **options)
    return document if isinstance(document, Document) else None


def _text(document: Document | None) -> str:
    """The extracted text; a table's row reads `a | b` instead of `| a | b |`, without rules."""
    lines = ((document.text if document else "") or "").split("\n")
    return "\n".join(
        line.strip("| ") if line.startswith("|") else line
        for line in lines
        if not _TABLE_RULE.fullmatch(line)
    )


def _title(document: Document) -> str:
    """The page's title without the site's name before or after a separator."""
    title = document.title or ""
    site = (document.sitename or "").casefold()
    parts = [part for part in _SEPARATOR.split(title) if part.casefold() != site]
    return title if len(parts) != 1 else parts[0]


def _parse(html: str) -> lxml.html.HtmlElement | None:
    try:
        return lxml.html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", html))
    except (lxml.etree.ParserError, ValueError):
        return None


def _body_text(tree: lxml.html.HtmlElement) -> str:
    """The text that a browser would show, navigation and forms left out, a line per block."""
    for element in list(tree.iter(*_UNSEEN)):
        if element.getparent() is not None:
            element.drop_tree()
    for element in tree.iter(*_BLOCKS):
        element.text = f"\n{element.text or ''}"
        element.tail = f"\n{element.tail or ''}"
    lines = (" ".join(line.split()) for line in tree.text_content().split("\n"))
    return "\n".join(line for line in lines if line)
