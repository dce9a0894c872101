"""URLs that differ in nothing but what mostly makes no difference."""

from pathlib import Path

import pytest

from onbrand.errors import UsageError
from onbrand.record import record_id
from scraper import raw
from scraper.explain.find import find
from tests.scraper.raw_folder import page

LOWER, UPPER = "instagram-aaaaaaaaaaaa", "instagram-bbbbbbbbbbbb"
POSTS = {
    LOWER: "https://www.instagram.com/p/CaBc/",
    UPPER: "https://www.instagram.com/p/cAbC/",
}


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("end", ["/", "", " "])
def test_the_one_that_is_spelt_as_it_was_typed(tmp_path: Path, name: str, end: str) -> None:
    asked = POSTS[name].removesuffix("/") + end
    assert find(asked, POSTS, tmp_path) == name


def test_none_that_is_spelt_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fits 2 records"):
        find("https://www.instagram.com/p/CABC/", POSTS, tmp_path)
    assert find("https://www.instagram.com/p/CABC/", {LOWER: POSTS[LOWER]}, tmp_path) == LOWER


def test_percent_encoding_and_a_trailing_slash_can_tell_two_pages_apart(tmp_path: Path) -> None:
    urls = [
        "https://brand.example/a%2Fb",
        "https://brand.example/a/b",
        "https://brand.example/a/b/",
    ]
    places = {f"website-{number:012x}": url for number, url in enumerate(urls)}
    for name, url in places.items():
        assert find(url, places, tmp_path) == name


@pytest.mark.parametrize("asked", ["site/A b.txt", "site/A%20b.txt", "file:site/A%20b.txt"])
def test_a_file_by_its_path(tmp_path: Path, asked: str) -> None:
    places = {
        "file-aaaaaaaaaaaa": "file:site/A%20b.txt",
        "file-bbbbbbbbbbbb": "file:site/a%20b.txt",
    }
    assert find(asked, places, tmp_path) == "file-aaaaaaaaaaaa"
    assert find(asked.upper(), {"file-aaaaaaaaaaaa": "file:site/A%20b.txt"}, tmp_path) == (
        "file-aaaaaaaaaaaa"
    )


def test_another_address_as_it_was_typed_comes_before_a_url_spelt_otherwise(
    tmp_path: Path,
) -> None:
    moved = page("/moved", "").model_copy(update={"url": "https://brand.example/Old"})
    raw.write_raw(tmp_path / raw.PAGES, [moved, page("/old", "")])
    ids = {
        path: record_id("website", f"https://brand.example{path}") for path in ("/moved", "/old")
    }
    places = {name: f"https://brand.example{path}" for path, name in ids.items()}
    assert find("https://brand.example/Old", places, tmp_path) == ids["/moved"]
    assert find("https://brand.example/old", places, tmp_path) == ids["/old"]
