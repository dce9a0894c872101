"""Which blocks to take when each has a probability: those with the largest expected F1.

A fixed threshold would be right for one kind of page only. The set with the largest expected F1
holds every block above half of that F1 (Lipton, Elkan and Naryanaswamy, Optimal Thresholding of
Classifiers to Maximize F1 Measure, ECML 2014), so it is found by adding blocks in their order.
"""

import numpy as np
import numpy.typing as npt

from scraper.extract.blocks import HEADINGS, Page

LEADS = 0.05
"""Probability from which a heading is taken with the text that follows it."""


def taken(
    page: Page, chances: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
) -> list[int]:
    """The positions of the blocks to take: the best set, and the headings that lead into it.

    Args:
        page: n blocks.
        chances: of each to be main text.
        sizes: words of each.
    """
    chosen = choose(chances, sizes)
    for number in range(len(chosen) - 2, -1, -1):  # from below: headings may follow one another
        is_heading = page.nodes[page.blocks[number].node].tag in HEADINGS
        if is_heading and chosen[number + 1] and chances[number] >= LEADS:
            chosen[number] = True
    found: list[int] = np.flatnonzero(chosen).tolist()
    return found


def choose(
    chances: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Say of each of n blocks whether it is taken.

    Args:
        chances: probabilities to be main text.
        sizes: words.
    """
    chosen = np.zeros(len(chances), dtype=bool)
    if not len(chances):
        return chosen
    sizes = np.maximum(sizes, 0.01)  # a line of signs only follows its neighbours
    order = np.argsort(-chances, kind="stable")
    right = np.cumsum((sizes * chances)[order])
    taken = np.cumsum(sizes[order])
    expected = 2 * right / (taken + float((sizes * chances).sum()) + 1e-9)
    chosen[order[: int(np.argmax(expected)) + 1]] = True
    return chosen & (chances > 0)
