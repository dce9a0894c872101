import pytest

from scraper.extract.main_text import extract

PAGE = """<!doctype html><html><head><title>Care guide – Saltmarsh Soap</title>
<meta property="og:site_name" content="Saltmarsh Soap"></head><body>
<header><a href="/">Saltmarsh</a><nav><a href="/a">Shop</a> <a href="/b">About</a></nav></header>
<main>{main}</main><footer><p>Call 01632 960123</p><p>© 2024 Saltmarsh</p></footer>
<script>var tracking = "noise";</script></body></html>"""
MAIN = """<h1>How to keep a bar dry</h1><p>Put it on a rack. A bar of 120 g lasts six weeks.</p>
<h2>Does it hurt fish?</h2><p>No. We tested it in 2003 and again in 2019.</p>
<h3>What does it cost?</h3><p>£6.50 a bar.<br>£24 for four.</p>"""


def test_a_short_page_keeps_headings_and_line_breaks_but_no_furniture() -> None:
    found = extract(PAGE.format(main=MAIN))
    assert found.title == "How to keep a bar dry"
    assert found.text.split("\n") == [
        "# How to keep a bar dry",
        "Put it on a rack. A bar of 120 g lasts six weeks.",
        "## Does it hurt fish?",
        "No. We tested it in 2003 and again in 2019.",
        "### What does it cost?",
        "£6.50 a bar.",
        "£24 for four.",
    ]


def test_the_title_leaves_the_sites_name_out() -> None:
    assert extract(PAGE.format(main="<p>" + "Soap is good. " * 30)).title == "Care guide"


@pytest.mark.parametrize("html", ["", "   ", "<html></html>", "<script>x</script>"])
def test_pages_without_text_are_empty(html: str) -> None:
    assert extract(html).text == ""


def test_text_that_trafilatura_leaves_is_taken() -> None:
    found = extract("<html><head><title>T</title></head><body><div>Four words<br>here</div>")
    assert found.text.split() == ["Four", "words", "here"]
