"""Three templates, forty pages: what repeats goes, and no word of a page's own is lost."""

# ruff: noqa: E501  (markup reads better unbroken)

import random
from collections.abc import Callable

import pytest

from scraper import raw
from scraper.clean.sources import page_texts

WORDS = [
    "salt", "marsh", "reed", "otter", "tide", "ferry", "copper", "kettle", "oat", "lavender",
    "winter", "harbour", "linen", "soap", "batch", "cure", "bar", "brine", "bucket", "cliff",
    "gull", "barley", "nettle", "willow", "hazel", "bramble", "cork", "slate", "peat",
]  # fmt: skip
HEADER = '<header class="site-header"><a href="/">Saltmarsh</a><nav><ul><li><a href="/shop">Shop all bars</a></li><li><a href="/about">Our story</a></li></ul></nav></header>'
FOOTER = '<footer class="site-footer"><p>Saltmarsh Soap Works, the old lifeboat shed, registered in England.</p><ul><li><a href="/terms">Terms of sale</a></li></ul></footer>'
COOKIES = '<div class="cookie-banner"><p>We use cookies to remember your basket and to count our visitors.</p><button>Accept all cookies</button></div>'
NEWSLETTER = '<section class="newsletter"><h2>Letters from the shed</h2><p>Join four thousand readers who hear from us twice a month.</p><button>Sign me up</button></section>'
FURNITURE = ["Saltmarsh", "Shop all bars", "Our story", "old lifeboat shed", "Terms of sale", "cookies", "basket",
             "Letters from the shed", "four thousand readers", "Sign me up",
             "Delivery and returns", "wrapped by hand", "send it back"]  # fmt: skip


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


FRAMES = (
    HEADER + "{}" + FOOTER + COOKIES,
    COOKIES + HEADER + "{}" + NEWSLETTER + FOOTER,
    "<div class='shell'>" + HEADER + "<div>{}</div>" + NEWSLETTER + FOOTER + COOKIES + "</div>",
)
Template = Callable[[int], tuple[str, list[str]]]


DELIVERY = '<section class="about"><h2>Delivery and returns</h2><p>Every bar is wrapped by hand in our workshop and leaves us within five working days of your order.</p><p>If you do not like it, you can send it back within thirty days and we will return what you paid for it.</p></section>'


def short_product(number: int) -> tuple[str, list[str]]:
    """Its name is all that it does not share with the other products."""
    words = own_words(number, 3)
    return (
        f'<div class="page"><h1>{" ".join(words)}</h1><div class="rte">{DELIVERY}</div></div>',
        words,
    )


def listed_product(number: int) -> tuple[str, list[str]]:
    words = own_words(number, 24)
    rows = "".join(
        f"<tr><th>{name}</th><td>{' '.join(words[at : at + 2])}</td></tr>"
        for at, name in zip(range(12, 20, 2), ("Weight", "Scent", "Size", "Cure"), strict=True)
    )
    return (
        f'<div class="product"><h1>{" ".join(words[:3])}</h1><p class="price">{words[3]}</p>'
        f'<div class="product-description"><p>{" ".join(words[4:12])}</p></div>'
        f"<table>{rows}</table></div>"
    ), words[:20]


Pages = list[tuple[raw.Page, list[str]]]


def made(counts: dict[Template, int]) -> Pages:
    """So many pages of each template, in its frame."""
    pages: Pages = []
    frames = dict(zip((article, product, service), FRAMES, strict=True))
    frames |= dict.fromkeys((short_product, listed_product), frames[product])
    for template, count in counts.items():
        for _ in range(count):
            number = len(pages)
            body, words = template(number)
            url = f"https://saltmarsh.example/{template.__name__}/{number}"
            title = f"<title>{words[0]}</title>"
            html = f"<html><head>{title}</head><body>{frames[template].format(body)}</body></html>"
            page = raw.Page(
                url=url, final_url=url, status=200, fetched_at="", content_hash="", html=html
            )
            pages.append((page, words))
    return pages


SITES = {
    "three templates": {article: 20, product: 12, service: 8},
    "templates with two pages": {article: 36, product: 2, service: 2},
    "products with hardly a word of their own": {article: 20, short_product: 12, service: 8},
    "mostly such products": {article: 2, short_product: 36, service: 2},
    "products made of a table": {article: 20, listed_product: 12, service: 8},
}


@pytest.mark.parametrize("counts", SITES.values(), ids=SITES)
def test_all_furniture_goes_and_no_word_of_its_own_is_lost(counts: dict[Template, int]) -> None:
    pages = made(counts)
    assert len(pages) == 40
    texts = {text.record.url: text for text in page_texts([page for page, _ in pages], 0.3)}
    for page, words in pages:
        text = texts[page.final_url]
        assert [phrase for phrase in FURNITURE if phrase in text.own] == []
        assert set(words) - set(text.own.replace(",", " ").split()) == set()
        assert "Our story" in text.record.text, "what was left out can be told"


def test_a_heading_that_repeats_stays_with_the_text_it_leads() -> None:
    pages = made(SITES["three templates"])
    texts = list(page_texts([page for page, _ in pages], 0.3))
    products = [text for text in texts if "/product/" in text.record.url]
    assert len(products) == 12
    assert all("## What is in it" in text.own for text in products)


def test_a_page_under_three_addresses_keeps_its_words() -> None:
    pages = made({article: 6, product: 2})
    page, words = pages[0]
    for query in ("?a", "?b"):
        url = page.url + query
        pages.append((page.model_copy(update={"url": url, "final_url": url}), words))
    texts = list(page_texts([page for page, _ in pages], 0.3))
    for text in (texts[0], *texts[-2:]):
        assert set(words) - set(text.own.replace(",", " ").split()) == set()
