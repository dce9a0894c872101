"""What CommonMark itself says of a text: the judge in the splitter's tests."""

import re
from collections.abc import Iterable
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Without HTML, which no chat platform takes.
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


@lru_cache(100)
def _tokens(text: str) -> list[Token]:
    return _MARKDOWN.parse(text)


def unclosed(text: str) -> list[str]:
    """The fences of a text that have no closing line."""
    lines, open_ones = text.split("\n"), []
    for fence in _tokens(text):
        if fence.type == "fence":
            assert fence.map is not None
            first, end = fence.map
            last = re.sub(r"^[ >]*", "", lines[end - 1]).rstrip()
            closed = len(last) >= len(fence.markup) and not last.strip(fence.markup[0])
            if not closed or end - 1 == first:
                open_ones.append(lines[first])
    return open_ones


def code(texts: Iterable[str]) -> str:
    """All code within fences, without line ends: cutting a long line adds one."""
    fences = (token for text in texts for token in _tokens(text) if token.type == "fence")
    return "".join(fence.content for fence in fences).replace("\n", "")


def spans(texts: Iterable[str]) -> list[str]:
    """All inline code, targets of links and images, in order."""
    found = []
    for text in texts:
        for child in (child for token in _tokens(text) for child in token.children or []):
            if child.type == "code_inline":
                found.append(child.content)
            elif child.type in ("link_open", "image"):
                found.append(str(child.attrGet("href") or child.attrGet("src")))
    return found
