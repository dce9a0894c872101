import pytest

from onbrand.config import Website
from onbrand.errors import UsageError
from scraper.website.scope import Scope
from scraper.website.selection import Selection

START = "https://www.example.com/"


def selection(**values: list[str]) -> Selection:
    settings = Website.model_validate({"start_urls": [START], **values})
    return Selection(settings, Scope([START]), [START])


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("/blog/*", ["/blog/", "/blog/a/b", "/blog/a?x=1"], ["/blog", "/a/blog/b"]),
        ("/blog*", ["/blog", "/blog/a", "/blogs"], ["/a/blog"]),
        ("*.pdf", ["/a.pdf", "/a/b.pdf?download=1"], ["/a.pdf/b"]),
        ("*/print", ["/a/print"], ["/print-shop", "/a/print/"]),
        ("/shop?*sort=*", ["/shop?sort=a", "/shop?x=1&sort=b"], ["/shop", "/shop?page=2"]),
        ("/über uns", ["/%C3%BCber%20uns"], ["/uber%20uns"]),
        ("/a+b(c)", ["/a+b(c)"], ["/aab(c)", "/a+bc"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], others: list[str]) -> None:
    chosen = selection(exclude=[pattern])
    for path in matching:
        assert chosen.leaves_out(f"https://www.example.com{path}"), path
    for path in others:
        assert not chosen.leaves_out(f"https://www.example.com{path}"), path


@pytest.mark.parametrize("pattern", ["shop.example.com", "https://shop.example.com/*"])
def test_pattern_may_name_a_host(pattern: str) -> None:
    chosen = selection(exclude=[pattern])
    assert chosen.leaves_out("https://shop.example.com/a")
    assert not chosen.leaves_out("https://www.example.com/a")


def test_exclude_wins_and_start_urls_are_always_in() -> None:
    chosen = selection(include=["/a/*"], exclude=["/a/b*", "/"])
    sifted = chosen.sift(
        [START, START + "a/c", START + "a/b", START + "z", "https://example.org/a/c"]
    )
    assert sifted.wanted == [START, START + "a/c"]
    assert sifted.excluded == [START + "a/b", START + "z"]


@pytest.mark.parametrize("pattern", ["blog", "blog/*", "", "?x=1"])
def test_pattern_that_matches_nothing(pattern: str) -> None:
    with pytest.raises(UsageError, match=r"website\.exclude in brand\.toml: .* matches no page"):
        selection(exclude=[pattern])
