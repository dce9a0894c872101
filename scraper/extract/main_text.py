"""The title and the main text of a page, from its HTML alone."""

from dataclasses import dataclass

import numpy as np

from scraper.extract.choose import choose
from scraper.extract.markdown import markdown
from scraper.extract.score import Scored, score


@dataclass(frozen=True)
class Extracted:
    """What a reader takes from a page; the text is Markdown."""

    title: str
    text: str


def extract(html: str) -> Extracted:
    """The main text of one page; empty when the page has no text."""
    return chosen_text(score(html))


def chosen_text(scored: Scored) -> Extracted:
    """The blocks of a judged page that are worth taking."""
    chosen = np.flatnonzero(choose(scored.chances, scored.sizes))
    return Extracted(scored.title, markdown(scored.page, chosen.tolist()))
