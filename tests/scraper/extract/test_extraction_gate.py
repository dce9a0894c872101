"""Floors under the quality of extraction, held on a fixed set of saved pages.

One for pages that a forest has not seen; one for the forest that is shipped, which has seen them
all: it falls where the features change and the forest is not learned again.
"""

import pytest
import trafilatura

from scraper.extract.corpus import Saved, fingerprint, mean_by_kind, saved_pages, word_f1
from scraper.extract.forest import forest
from scraper.extract.learn import Example, example, f1_of, train
from tests.conftest import SHARED_DATA, needs_shared_data

WCXB = SHARED_DATA / "wcxb-dev"
FINGERPRINT = "287174dc8556d62de8f761d4aaa33140db2b1bc567962af1a4cfad3de5278b78"
FLOORS = {
    "overall": 0.79, "article": 0.93, "service": 0.82, "product": 0.63, "collection": 0.66,
    "listing": 0.71, "documentation": 0.95, "forum": 0.77,
}  # fmt: skip
"""Mean word F1 of the second half of the pages, by a forest that was trained on the first half."""
NOISE = 0.005
"""Both take nearly the same of twenty articles: half of the corpus cannot tell them apart."""
SHIPPED_FLOORS = {"overall": 0.89, "product": 0.77, "collection": 0.83, "service": 0.91}
"""The same of all pages, by the shipped forest, which was trained on them."""

pytestmark = [pytest.mark.slow, needs_shared_data]


@pytest.fixture(scope="module")
def saved() -> list[Saved]:
    return list(saved_pages(WCXB))


@pytest.fixture(scope="module")
def examples(saved: list[Saved]) -> list[Example]:
    return [example(page) for page in saved]


def test_the_figures_are_about_these_pages(saved: list[Saved]) -> None:
    assert fingerprint(saved) == FINGERPRINT


def test_unknown_pages_are_read_better_than_the_floors_and_than_trafilatura(
    examples: list[Example],
) -> None:
    trees = train(examples[::2])
    ours = mean_by_kind([(one.saved.kind, f1_of(trees, one)) for one in examples[1::2]])
    theirs = mean_by_kind(
        [
            (one.saved.kind, word_f1(trafilatura.extract(one.saved.html) or "", one.saved.gold))
            for one in examples[1::2]
        ]
    )
    print({kind: (round(ours[kind], 3), round(theirs[kind], 3)) for kind in ours})
    for kind, floor in FLOORS.items():
        assert ours[kind] >= floor, kind
        assert ours[kind] >= theirs[kind] - NOISE, kind


def test_the_forest_that_is_shipped_fits_the_features(examples: list[Example]) -> None:
    ours = mean_by_kind([(one.saved.kind, f1_of(forest(), one)) for one in examples])
    print({kind: round(mean, 3) for kind, mean in ours.items()})
    for kind, floor in SHIPPED_FLOORS.items():
        assert ours[kind] >= floor, kind
