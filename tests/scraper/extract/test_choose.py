import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scraper.extract.blocks import page_of, parse
from scraper.extract.choose import choose, taken

PAGES = st.lists(
    st.tuples(st.floats(0.01, 0.99), st.integers(1, 60)), min_size=1, max_size=8, unique=True
)


def expected_f1(chances: np.ndarray, sizes: np.ndarray, taken: np.ndarray) -> float:
    right = (chances * sizes)[taken].sum()
    return float(2 * right / (sizes[taken].sum() + (chances * sizes).sum()))


@given(PAGES)
def test_no_other_set_of_blocks_has_a_larger_expected_f1(page: list[tuple[float, int]]) -> None:
    chances = np.array([chance for chance, _ in page])
    sizes = np.array([float(size) for _, size in page])
    best = expected_f1(chances, sizes, choose(chances, sizes))
    for some in itertools.product((False, True), repeat=len(page)):
        mask = np.array(some)
        if mask.any():
            assert expected_f1(chances, sizes, mask) <= best + 1e-9


def test_headings_go_with_the_text_below_them() -> None:
    tree = parse("<h2>Care</h2><h3>Of a bar</h3><p>Dry.</p><h2>More</h2><nav>Home</nav><h2>No</h2>")
    assert tree is not None
    page = page_of(tree)
    chances = np.array([0.06, 0.1, 0.9, 0.3, 0.01, 0.04])
    assert taken(page, chances, np.array([1.0, 3.0, 20.0, 1.0, 1.0, 1.0])) == [0, 1, 2]


def test_a_page_without_blocks_gives_nothing() -> None:
    assert choose(np.zeros(0), np.zeros(0)).tolist() == []
