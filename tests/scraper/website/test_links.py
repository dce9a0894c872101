import pytest

from scraper.website.document import parse
from scraper.website.links import canonical, links, texts


def test_links() -> None:
    tree = parse(
        "<html><head><meta http-equiv='refresh' content='0; url=/moved'>"
        "<link rel='stylesheet' href='/style.css'></head><body>"
        "<a href='b?utm_source=x#y'>b</a><a href='/c' rel='nofollow'>c</a><img src='/i.png'>"
        "<map><area href='//example.org/d'></map><a href='mailto:x@y.z'>m</a><a href='http://['>"
    )
    assert links(tree, "https://example.com/a/") == {
        "https://example.com/moved",
        "https://example.com/a/b",
        "https://example.com/c",
        "https://example.org/d",
    }


def test_base_moves_links() -> None:
    tree = parse("<html><head><base href='/deep/er/'></head><body><a href='x'>x</a></body></html>")
    assert links(tree, "https://example.com/") == {"https://example.com/deep/er/x"}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("<link rel='canonical' href='/own'>", "https://example.com/own"),
        ("<link rel='stylesheet canonical' href='own?utm_source=x'>", "https://example.com/a/own"),
        ("<base href='/b/'><link rel='CANONICAL' href='own'>", "https://example.com/b/own"),
        ("<link rel='canonical' href='mailto:x'>", ""),
        ("<link rel='canonical'>", ""),
        ("<link rel='stylesheet' href='/style.css'>", ""),
    ],
)
def test_canonical(head: str, expected: str) -> None:
    tree = parse(f"<html><head>{head}</head><body>x</body></html>")
    assert canonical(tree, "https://example.com/a/") == expected


def test_fragments_of_the_page_itself_are_no_links() -> None:
    tree = parse("<body><a href='#top'>Top</a><a href=''>Here</a><a href='?q=1'>Query</a></body>")
    assert links(tree, "https://example.com/a?b=1") == {
        "https://example.com/a?b=1",
        "https://example.com/a?q=1",
    }


def test_texts_leave_out_what_nobody_reads() -> None:
    tree = parse("<body>Seen<script>no()</script><style>.no{}</style><p>too</p></body>")
    assert list(texts(tree)) == ["Seen", "too"]
