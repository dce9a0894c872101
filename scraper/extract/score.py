"""A page's blocks, each with its probability to be main text."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scraper.extract.blocks import Page, page_of, parse
from scraper.extract.features import rows_of
from scraper.extract.forest import forest, probabilities
from scraper.extract.metadata import metadata_of
from scraper.extract.reference import agreement, reference_of
from scraper.extract.text_features import Rows

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


def score(html: str) -> Scored:
    """Read a page and judge its blocks; one that cannot be parsed has none."""
    tree = parse(html)
    if tree is None:
        return Scored("", Page(), np.zeros(0), np.zeros(0))
    title, page, rows = features_of(tree)
    if not page.blocks:
        return Scored(title, page, np.zeros(0), np.zeros(0))
    return Scored(title, page, probabilities(forest(), rows), np.expm1(rows[:, 0].astype(float)))


def features_of(tree: object) -> tuple[str, Page, Rows]:
    """The title, the blocks and the features of a parsed page; no rows where there is no block."""
    metadata, page = metadata_of(tree), page_of(tree)
    reference = reference_of(tree)
    title = metadata.name()
    if not page.blocks:
        return title, page, np.zeros((0, 0), dtype=np.float32)
    rows = rows_of(page, metadata)
    return title, page, np.hstack([rows, agreement(page.blocks, reference)])
