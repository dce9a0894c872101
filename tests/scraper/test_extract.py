import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from scraper.extract import extract

WCXB = Path(__file__).parents[3] / "shared" / "data" / "wcxb-dev"
PAGE = """<!doctype html><html><head><title>Care guide – Saltmarsh Soap</title>
<meta property="og:site_name" content="Saltmarsh Soap"></head><body>
<header><a href="/">Saltmarsh</a><nav><a href="/a">Shop</a> <a href="/b">About</a></nav></header>
<main>{main}</main><footer><p>Call 01632 960123</p><p>© 2024 Saltmarsh</p></footer>
<script>var tracking = "noise";</script></body></html>"""
MAIN = """<h1>How to keep a bar dry</h1><p>Put it on a rack. A bar of 120 g lasts six weeks.</p>
<h2>Does it hurt fish?</h2><p>No. We tested it in 2003 and again in 2019.</p>
<h3>What does it cost?</h3><p>£6.50 a bar.<br>£24 for four.</p><ul><li>Oat</li><li>Kelp</li></ul>
<table><tr><th>Bar</th><th>Price</th></tr><tr><td>Kelp</td><td>£7</td></tr></table>"""


def test_a_short_page_keeps_headings_lists_and_line_breaks_but_no_furniture() -> None:
    found = extract(PAGE.format(main=MAIN))
    assert found.title == "How to keep a bar dry"
    assert found.text.split("\n") == [
        "How to keep a bar dry",
        "Put it on a rack. A bar of 120 g lasts six weeks.",
        "Does it hurt fish?",
        "No. We tested it in 2003 and again in 2019.",
        "What does it cost?",
        "£6.50 a bar.",
        "£24 for four.",
        "- Oat",
        "- Kelp",
        "Bar | Price",
        "Kelp | £7",
    ]


def test_the_title_leaves_the_sites_name_out() -> None:
    assert extract(PAGE.format(main="<p>" + "Soap is good. " * 30)).title == "Care guide"


@pytest.mark.parametrize("html", ["", "   ", "<html></html>", "<script>x</script>"])
def test_pages_without_text_are_empty(html: str) -> None:
    assert extract(html).text == ""


def test_text_that_trafilatura_leaves_is_taken_from_the_body() -> None:
    found = extract("<html><head><title>T</title></head><body><div>Four words<br>here</div>")
    assert found.text.split() == ["Four", "words", "here"]


@pytest.mark.slow
@pytest.mark.skipif(not WCXB.is_dir(), reason=f"needs the saved pages in {WCXB}")
def test_mean_f1_on_saved_pages() -> None:
    """A floor under the quality of extraction: every tenth page, F1 over words."""

    def f1(found: str, gold: str) -> float:
        a, b = (Counter(re.findall(r"\w+", text.lower())) for text in (found, gold))
        overlap = sum((a & b).values())
        return 2 * overlap / (sum(a.values()) + sum(b.values())) if overlap else 0.0

    scores = []
    for path in sorted((WCXB / "html").glob("*.html.gz"))[::10]:
        truth = json.loads((WCXB / "ground-truth" / f"{path.name[:4]}.json").read_text())
        if gold := truth["ground_truth"].get("main_content"):
            html = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
            scores.append(f1(extract(html).text, gold))
    assert len(scores) > 20
    assert sum(scores) / len(scores) > 0.70
