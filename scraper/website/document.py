"""What a page's HTML shows: its text, and whether JavaScript still has to write it."""

import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from scraper.website.absurd_markup import cut_short, shallow, without_endless_tags

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", ""})
"""Media types that a page may be called; empty where the server does not say."""
FEW_CHARACTERS = 200
"""A page with less visible text than this is taken to be written by its scripts."""
SHELL_CHARACTERS = 1000
"""The same where the page says so itself: an empty mount point, or a <noscript> that asks."""

_MOUNT_POINTS = frozenset(
    ["root", "app", "__next", "__nuxt", "___gatsby", "app-root", "react-root", "svelte", "q-app"]
)
_NOT_TEXT = frozenset(
    ["script", "style", "noscript", "template", "svg", "head", "header", "footer", "nav"]
)
_ASKS_FOR_SCRIPT = re.compile(r"java\s*script", re.IGNORECASE)


def parse(html: str) -> Any | None:
    """The element tree (lxml ships no types), or None for a document without any element."""
    return readable(html)[1]


def readable(html: str) -> tuple[str, Any | None]:
    """The HTML as a parser takes all of it in, which changes only absurd markup; and its tree."""
    html = without_endless_tags(html)
    tree, is_whole = _parse(html)
    if not is_whole:
        html = shallow(html)
        tree, _ = _parse(html)
    return html, tree


def _parse(html: str) -> tuple[Any | None, bool]:
    # As bytes: lxml refuses text that carries an XML encoding declaration.
    parser = lxml_html.HTMLParser(encoding="utf-8")
    try:
        tree = lxml_html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    except etree.LxmlError:
        return None, True
    return tree, not cut_short(parser)


def visible_text(element: Any) -> str:
    """Text of an element, furniture and invisible elements left out, runs of space made one."""
    return " ".join("".join(_visible(element)).split())


def lacks_text(tree: Any) -> bool:
    """Whether a page shows hardly any text outside header, footer and navigation."""
    body = tree.find("body")
    return body is None or len(visible_text(body)) < FEW_CHARACTERS


def needs_javascript(tree: Any) -> bool:
    """Whether the page's text is probably written by its scripts.

    True when there is a script and the visible text outside header, footer and navigation is
    under 200 characters, or under 1,000 with an empty mount point (`<div id="root">`, `<app-root>`)
    or a <noscript> that mentions JavaScript.
    """
    body = tree.find("body")
    if body is None or tree.find(".//script") is None:
        return False
    length = len(visible_text(body))
    return length < FEW_CHARACTERS or (length < SHELL_CHARACTERS and _is_shell(body))


def _visible(element: Any) -> list[str]:
    """Text pieces of an element, furniture and invisible elements left out."""
    pieces: list[str] = []
    events = etree.iterwalk(element, events=("start", "end"))
    for event, node in events:
        if event == "end":
            pieces += [" ", node.tail or ""] if node is not element else []
        elif not isinstance(node.tag, str) or node.tag in _NOT_TEXT:
            events.skip_subtree()
        else:
            pieces.append(node.text or "")
    return pieces


def _is_shell(body: Any) -> bool:
    mounts = (e for e in body.iter("div", "main", "section", "app-root") if _is_mount(e))
    if any(not e.text_content().strip() for e in mounts):
        return True
    return any(_ASKS_FOR_SCRIPT.search(e.text_content()) for e in body.iter("noscript"))


def _is_mount(element: Any) -> bool:
    return element.tag == "app-root" or (element.get("id") or "").lower() in _MOUNT_POINTS
