"""What is no text of a page, whatever the trees say of the block."""

import re

import numpy as np
import numpy.typing as npt

from scraper.extract.blocks import Page
from scraper.extract.words import words

REPEATED_WORDS = 6
"""A block of so many words that stands on its page twice is a copy: slides, tabs, small screens."""

_MACHINE_TEXT = re.compile(
    r"https?://\S+"  # an address, alone
    r"|\{\{[^{}]*\}\}"  # a placeholder that no script has filled
    r"|[\w-]+_[\w-]*:?"  # a variable's name
    r"|[{\[][^\n]*[}\]]"  # data
)


def without_noise(page: Page, chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The chances of a page's n blocks, those of noise set to 0; of copies the likeliest stays."""
    left = chances.copy()
    best: dict[tuple[str, ...], int] = {}
    for number, block in enumerate(page.blocks):
        if _MACHINE_TEXT.fullmatch(block.text.strip()):
            left[number] = 0.0
            continue
        own = tuple(words(block.text))
        if len(own) < REPEATED_WORDS or page.nodes[block.node].tag == "pre":
            continue
        rival = best.setdefault(own, number)
        if rival != number:
            worse, better = sorted((rival, number), key=lambda n: (left[n], -n))
            left[worse] = 0.0
            best[own] = better
    return left
