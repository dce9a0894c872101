"""Chosen blocks as Markdown: a line per paragraph, heading, list item or row of a table."""

from collections.abc import Iterable, Iterator

from scraper.extract.blocks import Page

_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}


def markdown(page: Page, chosen: Iterable[int]) -> str:
    """The text of the chosen blocks, given by their positions in document order.

    Links and emphasis are left out: what is learned from the text is how the brand writes.
    """
    lines: list[str] = []
    row, listed = -1, -1
    for number in chosen:
        block = page.blocks[number]
        found = {tag: node for node, tag in _above(page, block.node)}
        text = block.text
        if "pre" in found:
            lines += ["```", *text.split("\n"), "```"]
            continue
        in_row = found.get("tr", -1)
        if in_row >= 0 and in_row == row:
            lines[-1] += f" | {' '.join(text.split())}"
            continue
        row = in_row
        heading = next((_HEADINGS[tag] for tag in found if tag in _HEADINGS), "")
        item = found.get("li", -1)
        if heading:
            text = f"{heading} {' '.join(text.split())}"
        elif item >= 0 and item != listed:
            text = f"- {text}"
        elif "blockquote" in found:
            text = "\n".join(f"> {line}" for line in text.split("\n"))
        listed = item
        lines += text.split("\n")
    return "\n".join(lines)


def _above(page: Page, node: int) -> Iterator[tuple[int, str]]:
    """The element of a block and all above it, outermost first, so that the innermost wins."""
    chain = []
    while node >= 0:
        chain.append((node, page.nodes[node].tag))
        node = page.nodes[node].parent
    return reversed(chain)
