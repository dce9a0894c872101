import pytest

from scraper.website.document import needs_javascript, parse

TEXT = "We bake bread every morning and carry it to the market. "


@pytest.mark.parametrize("html", ["", "   ", "<!-- nothing -->"])
def test_nothing_to_parse(html: str) -> None:
    assert parse(html) is None


def test_xml_declaration_is_no_obstacle() -> None:
    tree = parse("<?xml version='1.0' encoding='iso-8859-1'?><html><body><p>é</p></body></html>")
    assert tree is not None
    assert tree.text_content().endswith("é")


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ("<div id='root'></div><script src='/app.js'></script>", True),
        (f"<header>{TEXT * 9}</header><main></main><script>x()</script>", True),
        (f"<noscript>{TEXT * 9}</noscript><p>Loading</p><script>x()</script>", True),
        (f"<p>{TEXT * 6}</p><div id='app'></div><script>x()</script>", True),
        (f"<p>{TEXT * 6}</p><noscript>Please enable JavaScript.</noscript><script></script>", True),
        (f"<p>{TEXT * 6}</p><script>x()</script>", False),
        (f"<p>{TEXT * 30}</p><div id='app'></div><script>x()</script>", False),
        ("<p>Short, but nothing here runs.</p>", False),
    ],
)
def test_needs_javascript(body: str, needed: bool) -> None:
    assert needs_javascript(parse(f"<html><body>{body}</body></html>")) is needed


def test_text_after_furniture_counts() -> None:
    html = f"<html><body><nav>menu</nav>{TEXT * 6}<script>x()</script></body></html>"
    assert not needs_javascript(parse(html))
