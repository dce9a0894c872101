"""A page's blocks, each with its probability to be main text."""

from dataclasses import dataclass

import lxml.html
import numpy as np
import numpy.typing as npt

from scraper.extract.blocks import Page, page_of, parse
from scraper.extract.features import rows_of
from scraper.extract.forest import forest, probabilities
from scraper.extract.metadata import metadata_of
from scraper.extract.noise import without_noise
from scraper.extract.reference import agreement, reference_of
from scraper.extract.text_features import Rows
from scraper.extract.words import words

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """A page that was read, before it is decided what to take from it."""

    title: str
    page: Page
    chances: Numbers
    """The probability of each block to be main text."""
    sizes: Numbers
    """Words of each block."""
    furniture: tuple[int, ...] = ()
    """Positions of the blocks that the site's other pages repeat; known once it is compared."""


def score(html: str) -> Scored:
    """Read a page and judge its blocks; one that cannot be parsed has none."""
    tree = parse(html)
    if tree is None:
        return Scored("", Page(), np.zeros(0), np.zeros(0))
    title, page, rows = features_of(tree)
    if not page.blocks:
        return Scored(title, page, np.zeros(0), np.zeros(0))
    chances = without_noise(page, probabilities(forest(), rows))
    return Scored(title, page, chances, np.expm1(rows[:, 0].astype(float)))


def features_of(tree: lxml.html.HtmlElement) -> tuple[str, Page, Rows]:
    """The title, the blocks and the features of a parsed page; no rows where there is no block."""
    metadata, page = metadata_of(tree), page_of(tree)
    reference = reference_of(tree)
    title = metadata.name()
    if not page.blocks:
        return title, page, np.zeros((0, 0), dtype=np.float32)
    texts = [words(block.text) for block in page.blocks]
    rows = rows_of(page, texts, metadata)
    return title, page, np.hstack([rows, agreement(texts, reference)])
