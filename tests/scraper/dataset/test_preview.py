"""`dataset/preview.html` in real Chromium: it filters, asks for nothing, and runs no record."""

import random
import re
import time
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from onbrand.config import Dataset
from onbrand.record import Record
from scraper.clean.rejected import Rejected
from scraper.dataset.preview import SHOWN_CHARACTERS, preview
from scraper.dataset.split import Splits, split
from scraper.dataset.statistics import describe
from tests.browser import visit
from tests.scraper.website.rendering import needs_chromium

MakeRecord = Callable[..., Record]

EVIL = '</script><script>window.ran=1</script><img src=x onerror="window.ran=1"><!--<b>bold</b>'


def written(
    folder: Path, splits: Splits, rejected: list[Rejected], brand: str = "Saltmarsh"
) -> Path:
    path = folder / "preview.html"
    path.write_text(preview(splits, rejected, describe(splits, []), brand), encoding="utf-8")
    return path


async def counted(tab: Any) -> str:
    text: str = await tab.evaluate("document.getElementById('count').textContent", force_expr=True)
    return text


async def shown(tab: Any) -> list[str]:
    texts: list[str] = await tab.evaluate(
        "[...document.querySelectorAll('#records > li')].map(item => item.innerText)",
        force_expr=True,
    )
    return texts


@pytest.fixture
def records(make_record: MakeRecord) -> Splits:
    return {
        "train": [
            make_record("Kettles are on sale today", source="website", language="en",
                        url="https://brand.example/sale", title="The sale"),
            make_record("چائے کا وقت ہے", source="facebook", language="ur", author="brand"),
        ],
        "validation": [make_record("A kettle, and a cup", source="instagram", language="en")],
        "test": [make_record("Long " * 300 + "end of kettle", source="file")],
    }  # fmt: skip


@pytest.fixture
def rejected(make_record: MakeRecord) -> list[Rejected]:
    return [
        Rejected(step="too-short", reason="1 of 4 words", record=make_record("Kettle!")),
        Rejected(
            step="other-account",
            reason="account else is not in social.accounts",
            record=make_record("Someone else speaks", source="instagram", author="else"),
        ),
    ]


@needs_chromium
def test_it_searches_and_filters(tmp_path: Path, records: Splits, rejected: list[Rejected]) -> None:
    async def steps(tab: Any) -> None:
        assert await counted(tab) == "6 of 6 records"
        await tab.type("#search", "KETTLE")
        assert await counted(tab) == "4 of 6 records"
        marks = "[...document.querySelectorAll('mark')].map(mark => mark.textContent)"
        assert set(await tab.evaluate(marks, force_expr=True)) == {"Kettle", "kettle"}
        await tab.select("#state", "kept")
        assert await counted(tab) == "3 of 6 records"
        await tab.select("#split", "train")
        (only,) = await shown(tab)
        assert "kept: train" in only
        assert "The sale" in only
        link = "document.querySelector('#records a').getAttributeNames().sort().join()"
        assert await tab.evaluate(link, force_expr=True) == "href,rel,target"
        address = await tab.evaluate("location.hash", force_expr=True)
        assert "search=KETTLE&state=kept&split=train" in address
        await tab.click("button[type=reset]")
        await tab.waitForFunction("document.getElementById('count').textContent[0] == '6'")
        await tab.select("#state", "other-account")
        (only,) = await shown(tab)
        assert "dropped: other-account" in only
        assert "account else is not in social.accounts" in only
        await tab.select("#state", "")
        await tab.select("#source", "file")
        assert await counted(tab) == "2 of 6 records"
        await tab.select("#source", "")
        await tab.select("#language", "ur")
        (only,) = await shown(tab)
        assert "چائے کا وقت ہے" in only
        direction = "getComputedStyle(document.querySelector('#records .text')).direction"
        assert await tab.evaluate(direction, force_expr=True) == "rtl"

    assert visit(written(tmp_path, records, rejected), steps) == []


@needs_chromium
def test_a_filter_in_the_address_and_a_long_text(
    tmp_path: Path, records: Splits, rejected: list[Rejected]
) -> None:
    page = written(tmp_path, records, rejected)

    async def steps(tab: Any) -> None:
        await tab.evaluate("location.hash = '#split=test'", force_expr=True)
        await tab.waitForFunction("document.getElementById('count').textContent[0] == '1'")
        (only,) = await shown(tab)
        assert "end of kettle" not in only
        await tab.click("#records .rest")
        (only,) = await shown(tab)
        assert "end of kettle" in only
        chosen = "document.getElementById('split').value"
        assert await tab.evaluate(chosen, force_expr=True) == "test"

    assert visit(page, steps) == []


@needs_chromium
def test_nothing_in_a_record_runs_and_nothing_but_the_page_may(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    evil = make_record(
        EVIL + "\u2028", title=EVIL, author=EVIL, url="javascript:window.ran=1", language='"><b>',
        tags=[EVIL], published_at=EVIL, source="website",
    )  # fmt: skip
    reject = Rejected(step=EVIL, reason=EVIL, record=evil)

    async def steps(tab: Any) -> None:
        await tab.evaluate("document.querySelector('details').open = true", force_expr=True)
        assert await counted(tab) == "2 of 2 records"
        whole = "[...document.querySelectorAll('#records > li')].map(item => item.textContent)"
        texts = await tab.evaluate(whole, force_expr=True)
        assert [text for text in texts if EVIL not in text] == []
        assert await tab.evaluate("window.ran", force_expr=True) is None
        for selector, count in (("img, b, a", 0), ("script", 2)):
            found = f"document.querySelectorAll('{selector}').length"
            assert await tab.evaluate(found, force_expr=True) == count
        assert (await tab.title()).startswith("What </script><script>")
        await tab.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = 'window.ran = 1';
                document.body.append(script);
                document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran=1">');
                return new Promise(done => setTimeout(done, 200));
            }"""
        )
        assert await tab.evaluate("window.ran", force_expr=True) is None

    page = written(tmp_path, {"train": [evil], "validation": [], "test": []}, [reject], EVIL)
    complaints = visit(page, steps)
    assert complaints  # the script and the picture that the test itself put in
    assert all("Content Security Policy" in said or said.endswith("/x") for said in complaints)


@needs_chromium
@pytest.mark.slow
def test_five_thousand_records(tmp_path: Path) -> None:
    chance = random.Random(5)
    vocabulary = [f"word{n}" for n in range(900)]
    many = [
        Record(
            id=f"file-{n:012x}", source="file", url=f"file:{n}", language="en", group=f"{n}",
            text=" ".join(chance.choices(vocabulary, k=chance.choice([20, 80, 400]))),
        )
        for n in range(5000)
    ]  # fmt: skip
    many[4321] = many[4321].model_copy(update={"text": "the one kettle"})
    page = written(tmp_path, split(many, Dataset()), [])

    async def steps(tab: Any) -> None:
        assert await counted(tab) == "5,000 of 5,000 records"
        assert len(await shown(tab)) == 50
        await tab.click("#more")
        assert len(await shown(tab)) == 100
        seconds: float = await tab.evaluate(
            """() => {
                const search = document.getElementById('search');
                const start = performance.now();
                search.value = 'kettle';
                search.dispatchEvent(new Event('input', {bubbles: true}));
                return (performance.now() - start) / 1000;
            }"""
        )
        assert await counted(tab) == "1 of 5,000 records"
        assert seconds < 1

    start = time.monotonic()
    assert visit(page, steps) == []
    assert time.monotonic() - start < 60


def test_the_page_names_nothing_outside_itself(
    tmp_path: Path, records: Splits, rejected: list[Rejected]
) -> None:
    page = written(tmp_path, records, rejected).read_text(encoding="utf-8")
    markup = re.sub(r"<script id=\"data\".*?</script>", "", page, flags=re.S)
    assert not re.search(r"(?:src|href)=|url\(|@import|fetch\(|XMLHttpRequest|eval\(", markup)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', markup)
    assert policy
    assert unescape(policy[1]).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_equal_data_sets_have_equal_pages(
    tmp_path: Path, records: Splits, rejected: list[Rejected]
) -> None:
    one, other = (preview(records, rejected, describe(records, []), "Saltmarsh") for _ in range(2))
    assert one == other


def test_a_very_long_text_is_cut_and_says_so(make_record: MakeRecord) -> None:
    splits = {"train": [make_record("x" * (SHOWN_CHARACTERS + 7))], "validation": [], "test": []}
    page = preview(splits, [], describe(splits, []), "")
    assert '"cut": 7' in page
    assert "x" * (SHOWN_CHARACTERS + 1) not in page


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_light_and_dark() -> None:
    import scraper.dataset.preview as module

    style = Path(module.__file__).with_name("preview.css").read_text()
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    assert len(themes) == 2
    for theme in themes:
        for ink in ("ink", "soft", "accent"):
            for ground in ("ground", "surface"):
                assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground, theme)
        assert contrast(theme["dropped"], theme["dropped-ground"]) >= 4.5
        assert contrast(theme["dropped"], theme["surface"]) >= 4.5
        assert contrast(theme["ink"], theme["mark"]) >= 4.5
