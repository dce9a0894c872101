"""Three templates, forty pages: what repeats goes, and no word of a page's own is lost."""

# ruff: noqa: E501  (markup reads better unbroken)

import random

import pytest

from scraper import raw
from scraper.clean.sources import page_records

WORDS = [
    "salt", "marsh", "reed", "otter", "tide", "ferry", "copper", "kettle", "oat", "lavender",
    "winter", "harbour", "linen", "soap", "batch", "cure", "bar", "brine", "bucket", "cliff",
    "gull", "barley", "nettle", "willow", "hazel", "bramble", "cork", "slate", "peat",
]  # fmt: skip
HEADER = '<header class="site-header"><a href="/">Saltmarsh</a><nav><ul><li><a href="/shop">Shop all bars</a></li><li><a href="/about">Our story</a></li></ul></nav></header>'
FOOTER = '<footer class="site-footer"><p>Saltmarsh Soap Works, the old lifeboat shed, registered in England.</p><ul><li><a href="/terms">Terms of sale</a></li></ul></footer>'
COOKIES = '<div class="cookie-banner"><p>We use cookies to remember your basket and to count our visitors.</p><button>Accept all cookies</button></div>'
NEWSLETTER = '<section class="newsletter"><h2>Letters from the shed</h2><p>Join four thousand readers who hear from us twice a month.</p><button>Sign me up</button></section>'
FURNITURE = ["Shop all bars", "Our story", "old lifeboat shed", "Terms of sale", "cookies", "basket",
             "Letters from the shed", "four thousand readers", "Sign me up"]  # fmt: skip


def own_words(number: int, count: int) -> list[str]:
    """Sentences nobody else has: each word carries the page's number."""
    random_ = random.Random(number)
    return [f"{random_.choice(WORDS)}{number}x{place}" for place in range(count)]


def sentences(words: list[str]) -> str:
    parts = [words[start : start + 12] for start in range(0, len(words), 12)]
    return "".join(f"<p>The {' '.join(part)}, and so it is.</p>" for part in parts)


def article(number: int) -> tuple[str, list[str]]:
    words = own_words(number, 90)
    return (
        f"<main><article><h1>{' '.join(words[:5])}</h1>{sentences(words[5:])}</article></main>",
        words,
    )


def product(number: int) -> tuple[str, list[str]]:
    words = own_words(number, 60)
    items = "".join(f"<li>{' '.join(words[start : start + 4])}</li>" for start in range(40, 60, 4))
    return (
        f'<div class="product"><h1>{" ".join(words[:3])}</h1>'
        f'<div class="product-description">{sentences(words[3:40])}</div>'
        f"<h2>What is in it</h2><ul>{items}</ul></div>"
    ), words


def service(number: int) -> tuple[str, list[str]]:
    words = own_words(number, 80)
    return (
        f'<div class="page"><section class="hero"><h1>{" ".join(words[:6])}</h1></section>'
        f'<section class="text"><h2>{" ".join(words[6:10])}</h2>{sentences(words[10:45])}</section>'
        f'<section class="text"><h2>{" ".join(words[45:49])}</h2>{sentences(words[49:])}</section></div>'
    ), words


TEMPLATES = {
    article: (20, HEADER + "{}" + FOOTER + COOKIES),
    product: (12, COOKIES + HEADER + "{}" + NEWSLETTER + FOOTER),
    service: (8, "<div class='shell'>" + HEADER + "<div>{}</div>" + NEWSLETTER + FOOTER + COOKIES + "</div>"),
}  # fmt: skip


@pytest.fixture(scope="module")
def site() -> list[tuple[raw.Page, list[str]]]:
    pages = []
    for template, (count, frame) in TEMPLATES.items():
        for _ in range(count):
            number = len(pages)
            body, words = template(number)
            url = f"https://saltmarsh.example/{template.__name__}/{number}"
            html = f"<html><head><title>{words[0]}</title></head><body>{frame.format(body)}</body></html>"
            pages.append(
                (
                    raw.Page(
                        url=url,
                        final_url=url,
                        status=200,
                        fetched_at="",
                        content_hash="",
                        html=html,
                    ),
                    words,
                )
            )
    return pages  # fmt: skip


def test_all_furniture_goes_and_no_word_of_its_own_is_lost(
    site: list[tuple[raw.Page, list[str]]],
) -> None:
    records = list(page_records([page for page, _ in site], 0.3))
    assert len(records) == 40
    texts = {record.url: record.text for record in records}
    for page, words in site:
        text = texts[page.final_url]
        assert [phrase for phrase in FURNITURE if phrase in text] == []
        assert set(words) - set(text.replace(",", " ").split()) == set()


def test_a_heading_that_repeats_stays_with_the_text_it_leads(
    site: list[tuple[raw.Page, list[str]]],
) -> None:
    records = list(page_records([page for page, _ in site], 0.3))
    products = [record for record in records if "/product/" in record.url]
    assert all("## What is in it" in record.text for record in products)
