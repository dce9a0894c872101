"""A page as a list of blocks: the runs of text between two block-level borders of its markup."""

import re
from dataclasses import dataclass, field

import lxml.etree
import lxml.html

BLOCK_TAGS = frozenset({
    "address", "article", "aside", "blockquote", "body", "button", "caption", "center", "dd",
    "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "label", "legend", "li", "main",
    "menu", "nav", "noscript", "ol", "p", "pre", "section", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
SKIPPED_TAGS = frozenset({
    "applet", "audio", "canvas", "datalist", "embed", "frame", "frameset", "iframe",
    "input", "link", "map", "math", "meta", "noembed", "noframes", "object", "option", "param",
    "script", "select", "style", "svg", "template", "textarea", "title", "track", "video",
})  # fmt: skip
"""Elements whose text no reader sees, or that hold choices rather than prose."""

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


@dataclass(slots=True)
class Node:
    """An element that is open while text is met: a block-level element or a link."""

    tag: str
    parent: int
    """Position of the parent in `Page.nodes`; -1 for the root."""
    depth: int
    hints: str
    """Class, id and role, as they stand in the markup."""
    hidden: bool


@dataclass(slots=True)
class Block:
    """A run of text; line breaks of `<br>` and `<pre>` are kept, other white space is one space."""

    text: str
    node: int
    """Position of its innermost block-level element in `Page.nodes`."""
    link_chars: int = 0
    links: int = 0
    emphasised_chars: int = 0


@dataclass(slots=True)
class Page:
    """The body of a page in document order."""

    nodes: list[Node] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def parse(html: str) -> lxml.html.HtmlElement | None:
    """The document's tree, or None where there is nothing to parse."""
    parser = lxml.html.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return lxml.html.document_fromstring(
            _XML_DECLARATION.sub("", html.replace("\0", "")), parser=parser
        )
    except (lxml.etree.ParserError, ValueError):
        return None


def page_of(tree: lxml.html.HtmlElement) -> Page:
    """Walk the tree once and cut its text into blocks."""
    walker = _Walker()
    body = tree.find("body")
    skipped = None
    for event, element in lxml.etree.iterwalk(
        tree if body is None else body, events=("start", "end")
    ):
        if event == "start":
            if skipped is None and element.tag in SKIPPED_TAGS:
                skipped = element
            if skipped is None:
                walker.enter(element)
                walker.add(element.text)
        else:
            if skipped is None:
                walker.leave(element)
            elif skipped is element:
                skipped = None
            if skipped is None:
                walker.add(element.tail)
    walker.flush()
    return walker.page


class _Walker:
    """Collects text until a block-level border, then makes it a block."""

    def __init__(self) -> None:
        self.page = Page()
        self._open: list[int] = []
        self._pieces: list[str] = []
        self._links = 0
        self._in_link = 0
        self._link_chars = 0
        self._in_emphasis = 0
        self._emphasised_chars = 0
        self._in_pre = 0
        self._after_link = False

    def enter(self, element: lxml.html.HtmlElement) -> None:
        tag = element.tag
        if tag in BLOCK_TAGS:
            self.flush()
            parent = self._open[-1] if self._open else -1
            self._open.append(len(self.page.nodes))
            self.page.nodes.append(_node(element, tag, parent, self.page.nodes))
            self._in_pre += tag == "pre"
        elif tag == "a":
            self._in_link += 1
            self._links += 1
            if self._after_link:  # two links side by side are two words to a reader
                self._pieces.append(" ")
        elif tag in ("b", "strong", "em", "i"):
            self._in_emphasis += 1
        elif tag == "br":
            self._pieces.append("\n")
        self._after_link = False

    def leave(self, element: lxml.html.HtmlElement) -> None:
        tag = element.tag
        if tag in BLOCK_TAGS:
            self.flush()
            self._open.pop()
            self._in_pre -= tag == "pre"
        elif tag == "a":
            self._in_link -= 1
            self._after_link = True
        elif tag in ("b", "strong", "em", "i"):
            self._in_emphasis -= 1

    def add(self, text: str | None) -> None:
        if not text:
            return
        if not self._in_pre:
            text = re.sub(r"\s+", " ", text)
        self._pieces.append(text)
        size = len(text.strip())
        if size:
            self._after_link = False
        self._link_chars += size if self._in_link else 0
        self._emphasised_chars += size if self._in_emphasis else 0

    def flush(self) -> None:
        joined = "".join(self._pieces)
        lines = joined.split("\n")
        if not self._in_pre:
            lines = [" ".join(line.split()) for line in lines]
        text = "\n".join(line.rstrip() for line in lines if line.strip())
        if text and self._open:
            self.page.blocks.append(
                Block(text, self._open[-1], self._link_chars, self._links, self._emphasised_chars)
            )
        self._pieces.clear()
        self._links = 1 if self._in_link else 0
        self._link_chars = self._emphasised_chars = 0
        self._after_link = False


def _node(element: lxml.html.HtmlElement, tag: str, parent: int, nodes: list[Node]) -> Node:
    get = element.get
    hints = " ".join(filter(None, (get("class"), get("id"), get("role"))))
    style = (get("style") or "").replace(" ", "").lower()
    hidden = (
        get("hidden") is not None
        or get("aria-hidden") == "true"
        or "display:none" in style
        or "visibility:hidden" in style
    )
    depth = nodes[parent].depth + 1 if parent >= 0 else 0
    return Node(tag, parent, depth, hints, hidden)
