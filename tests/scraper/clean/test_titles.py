import pytest

from scraper.clean.titles import file_title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Our bakery\nWe bake bread.", "Our bakery"),
        ("We bake bread.\nEvery day.", "Opening hours"),
        ("[address]\nWe bake bread.", "Opening hours"),
        ("Ring [phone]\nWe bake bread.", "Opening hours"),
        ("Our bakery", "Opening hours"),
    ],
)
def test_a_heading_that_hides_nothing_is_the_title(text: str, title: str) -> None:
    assert file_title("site/Opening-hours.txt", text) == title
