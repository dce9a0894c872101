"""What can be told of each block of a page without understanding it: a row of numbers per block.

The ideas are old: text and link density (Kohlschütter et al., Boilerplate Detection using Shallow
Text Features, WSDM 2010), the words of class names (Readability), and the neighbours' values.
"""

from collections import Counter
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from scraper.extract.blocks import HEADINGS, Page
from scraper.extract.hints import HINTS, hints_in
from scraper.extract.metadata import Metadata
from scraper.extract.phrases import PHRASE_NAMES
from scraper.extract.text_features import Rows, Texts, bits, texts_of

TAGS = (
    "main", "article", "section", "header", "footer", "nav", "aside", "form", "table", "ul", "ol",
    "dl", "li", "button", "label", "figure", "figcaption", "details", "dialog", "fieldset",
    "blockquote", "pre", "p", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "dt", "dd", "summary",
    "div", "body", "menu", "noscript",
)  # fmt: skip
_TAG_BIT = {tag: 1 << number for number, tag in enumerate(TAGS)}
_NEAR = 3
"""Levels of the tree that count as near a block."""
_LEVELS = 6
"""Ancestors whose totals a block is told."""


def rows_of(page: Page, words: list[list[str]], metadata: Metadata) -> Rows:
    """The features of each block.

    Args:
        page: n blocks.
        words: of each block.
        metadata: what the page's head says of it.

    Returns:
        n rows; the columns stand in the order in which they are stacked below.
    """
    texts = texts_of(page.blocks, words, metadata)
    tree = _tree(page, texts)
    place = _place(page, texts)
    whole = _whole(page, texts, metadata)
    own = np.hstack([texts.rows, tree, place])
    neighbours = _neighbours(texts.rows[:, :_SHIFTED])
    return np.hstack([own, neighbours, np.repeat(whole[None], len(page.blocks), axis=0)])


_SHIFTED = 12
"""The first so many columns of a block's own text are told to its neighbours too."""
_SHIFTS = (-3, -2, -1, 1, 2, 3)


def _tree(page: Page, texts: Texts) -> Rows:
    """What a block's ancestors tell: their tags, the words of their names, their totals."""
    nodes, blocks = page.nodes, page.blocks
    own_tag = np.array([_TAG_BIT.get(node.tag, 0) for node in nodes], dtype=np.int64)
    own_hint = np.array([_hint_bits(node.hints) for node in nodes], dtype=np.int64)
    parents = [node.parent for node in nodes]
    all_tag, all_hint = own_tag.tolist(), own_hint.tolist()
    hidden = [node.hidden for node in nodes]
    for number, parent in enumerate(parents):
        if parent >= 0:
            all_tag[number] |= all_tag[parent]
            all_hint[number] |= all_hint[parent]
            hidden[number] |= hidden[parent]
    # Words, words in links, sentences, blocks, words of prose, prices.
    totals = np.zeros((len(nodes), 6), dtype=np.float64)
    at = np.array([block.node for block in blocks], dtype=np.int64)
    prose = texts.words * (texts.rows[:, 1] < 0.3) * (texts.words >= 10)
    ones = np.ones(len(blocks))
    own = [texts.words, texts.link_words, texts.sentences, ones, prose, texts.rows[:, 8]]
    np.add.at(totals, at, np.stack(own, axis=1))
    children = np.zeros(len(nodes))
    for number in range(len(nodes) - 1, 0, -1):
        totals[parents[number]] += totals[number]
        children[parents[number]] += 1
    whole = totals[0]
    alike = _alike(page)
    most_alike = alike.copy()
    for number, parent in enumerate(parents):
        if parent >= 0:
            most_alike[number] = max(most_alike[number], most_alike[parent])
    up = np.array(parents, dtype=np.int64)
    columns: list[npt.NDArray[np.float64]] = [
        np.array([nodes[node].depth for node in at], dtype=np.float64),
        np.array([hidden[node] for node in at], dtype=np.float64),
        np.log1p(most_alike[at]),
        *_shared_with_title(page, at, totals[:, 0]),
    ]
    near_tag, near_hint = np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=np.int64)
    node = at.copy()
    for level in range(_LEVELS):
        if level < _NEAR:
            near_tag |= own_tag[node]
            near_hint |= own_hint[node]
        words, links, sentences, count, prose, prices = totals[node].T
        columns += [
            np.log1p(words),
            links / np.maximum(words, 1),
            sentences / np.maximum(words, 1) * 10,
            words / np.maximum(count, 1),
            words / max(whole[0], 1),
            np.log1p(children[node]),
            prose / max(whole[4], 1),
            np.log1p(prices),
            np.log1p(alike[node]),
        ]
        above = up[node]
        node = np.where(above >= 0, above, node)
    masks = [
        bits(own_tag[at], len(TAGS)),
        bits(np.array(all_tag, dtype=np.int64)[at], len(TAGS)),
        bits(near_hint, len(HINTS)),
        bits(np.array(all_hint, dtype=np.int64)[at], len(HINTS)),
    ]
    return np.hstack([np.stack(columns, axis=1), *masks]).astype(np.float32)


def _alike(page: Page) -> npt.NDArray[np.float64]:
    """How many children of an element's parent have its tag and first class name: cards, rows."""
    keys = [(node.parent, node.tag, node.hints.partition(" ")[0]) for node in page.nodes]
    counts = Counter(keys)
    return np.array([counts[key] for key in keys], dtype=np.float64)


def _shared_with_title(
    page: Page, at: npt.NDArray[np.int64], words: npt.NDArray[np.float64]
) -> list[npt.NDArray[np.float64]]:
    """How near in the tree a block is to the page's first h1.

    Returns:
        Levels from the block up to the innermost element that holds both, levels from there down to
        the h1, and that element's share of the page's words; -1 where there is no h1.
    """
    first = next((k for k, node in enumerate(page.nodes) if node.tag == "h1"), None)
    if first is None:
        return [np.full(len(at), -1.0) for _ in range(3)]
    above: dict[int, int] = {}
    node, steps = first, 0
    while node >= 0:
        above[node] = steps
        node, steps = page.nodes[node].parent, steps + 1
    # Parents come before their children, so that one pass tells the way up of every element.
    up = np.zeros(len(page.nodes))
    down = np.zeros(len(page.nodes))
    share = np.zeros(len(page.nodes))
    for number, element in enumerate(page.nodes):
        if number in above:
            down[number], share[number] = above[number], words[number] / max(words[0], 1)
        else:
            parent = element.parent
            up[number], down[number], share[number] = up[parent] + 1, down[parent], share[parent]
    return [up[at], down[at], share[at]]


def _place(page: Page, texts: Texts) -> Rows:
    """Where a block stands, and among how many of its kind."""
    blocks, nodes = page.blocks, page.nodes
    count = len(blocks)
    cumulative = np.cumsum(texts.words)
    paths = [_path(page, block.node) for block in blocks]
    same = Counter(paths)
    words_of_path: Counter[str] = Counter()
    links_of_path: Counter[str] = Counter()
    for path, words, links in zip(paths, texts.words, texts.link_words, strict=True):
        words_of_path[path] += words
        links_of_path[path] += links
    first_h1 = next((k for k, block in enumerate(blocks) if nodes[block.node].tag == "h1"), -1)
    long = np.flatnonzero((texts.words >= 20) & (texts.rows[:, 1] < 0.4))
    first_long, last_long = (long[0], long[-1]) if len(long) else (0, count)
    heading = _last_heading(page)
    numbers = np.arange(count)
    columns = [
        numbers / max(count, 1),
        cumulative / max(cumulative[-1], 1),
        np.minimum(numbers, 200),
        np.minimum(count - numbers, 200),
        np.clip(numbers - first_h1, -50, 50) if first_h1 >= 0 else np.full(count, 99),
        np.clip(numbers - first_long, -50, 50),
        np.clip(last_long - numbers, -50, 50),
        np.log1p([same[path] for path in paths]),
        [words_of_path[path] / same[path] for path in paths],
        [links_of_path[path] / max(words_of_path[path], 1) for path in paths],
        [words_of_path[path] / max(cumulative[-1], 1) for path in paths],
        [level for level, _ in heading],
        [min(numbers[k] - at, 50) for k, (_, at) in enumerate(heading)],
    ]
    said = np.array([texts.phrases[at] if at >= 0 else 0 for _, at in heading], dtype=np.int64)
    return np.hstack([np.array(columns, dtype=np.float32).T, bits(said, len(PHRASE_NAMES))]).astype(
        np.float32
    )


def _last_heading(page: Page) -> list[tuple[int, int]]:
    """For each block the level of the heading it stands under, and that heading's position."""
    level, at = 0, -1
    found = []
    for number, block in enumerate(page.blocks):
        tag = page.nodes[block.node].tag
        if tag in HEADINGS:
            level, at = int(tag[1]), number
        found.append((level, at))
    return found


def _whole(page: Page, texts: Texts, metadata: Metadata) -> Rows:
    """What holds for the whole page."""
    words = max(float(texts.words.sum()), 1)
    tags = Counter(node.tag for node in page.nodes)
    prose = texts.words * (texts.rows[:, 1] < 0.3) * (texts.words >= 10)
    return np.array(
        [
            np.log1p(words),
            np.log1p(len(page.blocks)),
            float(texts.link_words.sum()) / words,
            float(prose.sum()) / words,
            np.log1p(float(prose.sum())),
            float(texts.sentences.sum()) / words * 10,
            float(texts.rows[:, 8].sum()) / max(len(page.blocks), 1),
            float(texts.rows[:, 9].sum()) / max(len(page.blocks), 1),
            *(np.log1p(tags[tag]) for tag in ("article", "h1", "h2", "h3", "p", "li", "table",
                                              "pre", "form", "button", "main")),
            *metadata.kinds(),
        ],
        dtype=np.float32,
    )  # fmt: skip


def _neighbours(rows: Rows) -> Rows:
    """The rows of the blocks before and after; zeros beyond the ends."""
    shifted = []
    for shift in _SHIFTS:
        moved = np.zeros_like(rows)
        if shift < 0:
            moved[-shift:] = rows[:shift]
        else:
            moved[:-shift] = rows[shift:]
        shifted.append(moved)
    return np.hstack(shifted)


def _path(page: Page, node: int) -> str:
    """The last four tags above a block with their class names: the blocks of a list share it."""
    parts = []
    for _ in range(4):
        if node < 0:
            break
        current = page.nodes[node]
        parts.append(f"{current.tag}.{current.hints.partition(' ')[0]}")
        node = current.parent
    return "/".join(parts)


@lru_cache(maxsize=20_000)
def _hint_bits(hints: str) -> int:
    return sum(1 << HINTS.index(name) for name in hints_in(hints)) if hints else 0
