import time

import numpy as np

from scraper.extract.blocks import page_of, parse
from scraper.extract.main_text import extract
from scraper.extract.noise import without_noise

LONG = "Every bar is wrapped by hand in our workshop."


def left(html: str, chances: list[float]) -> list[float]:
    tree = parse(html)
    assert tree is not None
    page = page_of(tree)
    assert len(page.blocks) == len(chances)
    return without_noise(page, np.array(chances)).tolist()


def test_addresses_placeholders_and_data_are_no_text() -> None:
    html = "".join(
        f"<p>{text}</p>"
        for text in ("https://example.org/a.jpg", "{{price.total}}", "retail_price_tier1:",
                     '{"a": [1]}', "Read https://example.org/a", "A [dry] bar")
    )  # fmt: skip
    assert left(html, [0.9] * 6) == [0.0, 0.0, 0.0, 0.0, 0.9, 0.9]


def test_of_copies_the_likeliest_stays_and_of_equals_the_first() -> None:
    html = (
        f"<div>{LONG}</div><p>{LONG}</p><li>{LONG.upper()}</li><p>Short line</p><p>Short line</p>"
    )
    assert left(html, [0.4, 0.8, 0.8, 0.7, 0.7]) == [0.0, 0.8, 0.0, 0.7, 0.7]


def test_lines_of_code_may_repeat() -> None:
    assert left(f"<pre>{LONG}</pre><pre>{LONG}</pre>", [0.9, 0.9]) == [0.9, 0.9]


def test_absurd_runs_of_digits_and_spaces_take_no_time() -> None:
    started = time.monotonic()
    for text in ("1" * 200_000, "12.5," * 40_000, "1,." * 60_000):
        extract(f"<title>a{' ' * 200_000}b</title><p>{text}</p>")
    assert time.monotonic() - started < 20
