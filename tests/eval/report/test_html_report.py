"""`report.html` in real Chromium: it asks for nothing, runs no text, and is light or dark."""

import re
from pathlib import Path
from typing import Any

import pytest

from eval.people.sheet import HTML_SHEET, write_sheet
from eval.report.html import render_html
from tests.browser import in_colours, value, visit
from tests.eval.report.sample_report import generated, report_of
from tests.scraper.website.rendering import needs_chromium

HEADINGS = [
    "tuned against base",
    "Tone",
    "Single texts",
    "Copied and leaked",
    "Seeds and subsets",
    "Closest to what the brand wrote",
    "Furthest from it",
    "What the figures mean",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(*report_of(generated())), encoding="utf-8")
    return path


def test_the_file_names_no_other(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"""(src|href)=["'](?!#)""", text)
    assert "url(" not in text.replace("url(#", "")
    assert "default-src 'none'" in text
    assert "style=" not in text
    assert "#0000" not in text, "every stand-in colour has become one of the page's"


def test_alarms_and_honesty_rows_stand_before_the_figures(page: Path) -> None:
    text = page.read_text()
    assert 0 < text.index('id="alarms"') < text.index(">echo</th>") < text.index("<svg")


def test_the_same_report_is_the_same_page(page: Path) -> None:
    assert render_html(*report_of(generated())) == page.read_text()


@needs_chromium
def test_in_chromium_no_request_leaves_the_page(page: Path) -> None:
    async def steps(tab: Any) -> None:
        for scheme, is_dark in (("light", False), ("dark", True)):
            await in_colours(tab, scheme)
            colour = await value(tab, "getComputedStyle(document.body).backgroundColor")
            assert (max(map(int, re.findall(r"\d+", colour)[:3])) < 80) is is_dark
            ink = await value(tab, "getComputedStyle(document.querySelector('svg.plot text')).fill")
            assert (min(map(int, re.findall(r"\d+", ink)[:3])) > 120) is is_dark
        headings = await value(tab, "[...document.querySelectorAll('h2')].map(h => h.textContent)")
        assert [heading for heading in HEADINGS if heading not in headings] == []
        assert await value(tab, "document.querySelectorAll('svg.plot').length") >= 4
        assert await value(tab, "document.querySelectorAll('article mark.shared').length") > 3
        assert await value(tab, "document.querySelectorAll('article script').length") == 0
        # On a phone only tables scroll, never the page.
        await tab.setViewport({"width": 400, "height": 800})
        assert await value(tab, "document.documentElement.scrollWidth") <= 400

    assert visit(page, steps) == []


@needs_chromium
def test_the_rating_sheet_in_chromium(tmp_path: Path) -> None:
    write_sheet(tmp_path, generated(), ("base", "tuned"), 6)

    async def steps(tab: Any) -> None:
        # What would be downloaded is read instead: a file dialog is no part of the page.
        await value(
            tab,
            "URL.createObjectURL = blob => { blob.text().then(t => window.saved = t); return '#' };"
            "HTMLAnchorElement.prototype.click = function () { window.named = this.download; }; 1",
        )
        await value(tab, "document.querySelector('[name=rater]').value = 'Ann, \"A\"'")
        await value(tab, "document.querySelector('[name=q1][value=left]').click()")
        await value(tab, "document.querySelector('[name=q2][value=same]').click()")
        await tab.click("button")
        assert "no answer yet" in await value(tab, "document.getElementById('state').textContent")
        assert await value(tab, "window.saved") is None
        await tab.click("button")
        await tab.waitForFunction("window.saved !== undefined", timeout=60_000)
        assert await value(tab, "window.saved") == (
            'number,answer,rater\r\n1,left,"Ann, ""A"""\r\n2,same,"Ann, ""A"""\r\n'
        )
        assert await value(tab, "window.named") == "ratings-Ann-A-.csv"

    assert visit(tmp_path / HTML_SHEET, steps) == []
