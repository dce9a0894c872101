"""Chosen blocks as Markdown: a line per paragraph, heading, list item or row of a table."""

from collections.abc import Iterable, Iterator

from scraper.extract.blocks import HEADINGS, Page

_MARKS = {tag: "#" * int(tag[1]) for tag in HEADINGS}


def markdown(page: Page, chosen: Iterable[int]) -> str:
    """The text of the chosen blocks, given by their positions in document order.

    Links and emphasis are left out: what is learned from the text is how the brand writes. The
    cells of a row stand on one line; what else a cell holds has its own lines, as in tables that
    are there for the layout.
    """
    lines: list[str] = []
    row, cell, listed = -1, -1, -1
    for number in chosen:
        block = page.blocks[number]
        found = {tag: node for node, tag in _above(page, block.node)}
        text = block.text
        heading = next((_MARKS[tag] for tag in found if tag in _MARKS), "")
        item = found.get("li", -1)
        last_row, last_cell = row, cell
        row, cell = found.get("tr", -1), max(found.get("td", -1), found.get("th", -1))
        if "pre" in found:
            lines += ["```", *text.split("\n"), "```"]
            row = -1
            continue
        is_plain = not heading and item == listed
        if row >= 0 and row == last_row and cell != last_cell and is_plain:
            lines[-1] += f" | {' '.join(text.split())}"
            continue
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
