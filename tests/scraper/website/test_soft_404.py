"""Error pages that answer 200: found out, without taking a page that speaks of errors for one."""

import asyncio

import pytest

from scraper.website.document import parse
from scraper.website.soft_404 import Look, Soft404, impossible_url

NAVIGATION = "<nav>Home Shop About</nav>"
STORY = "We bake bread every morning in a wood fired oven and carry it to the market square. "
SITE = "https://www.example.com"


def html(title: str, heading: str, text: str) -> str:
    return (
        f"<html><head><title>{title}</title></head><body>{NAVIGATION}<h1>{heading}</h1>"
        f"<p>{text}</p><footer>Imprint</footer></body></html>"
    )


class Host:
    """What a host shows under an address that cannot exist; None: it answers properly."""

    def __init__(self, missing: str | None = None) -> None:
        self.missing = missing
        self.asked: list[str] = []

    async def ask(self, url: str) -> Look | None:
        self.asked.append(url)
        return None if self.missing is None else Look.at(parse(self.missing), url)

    def has_none_at(self, page: str, path: str = "/page") -> bool:
        return asyncio.run(Soft404(self.ask).is_one(parse(page), SITE + path))


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("404", "404"),
        ("404 Not Found", ""),
        ("Page not found | Harbour Bakery", "Oops!"),
        ("Harbour Bakery – Error 404", "Lost?"),
        ("Harbour Bakery", "Oops! That page can’t be found."),
        ("Harbour Bakery", "The page you were looking for doesn't exist"),
        ("Seite nicht gefunden - Hafenbäckerei", "Hoppla"),
        ("Page introuvable", ""),
        ("Página no encontrada", ""),
        ("Sayfa bulunamadı", ""),
        ("Страница не найдена", ""),
        ("This product is no longer available", ""),
    ],
)
def test_title_or_heading_says_it_all(title: str, heading: str) -> None:
    host = Host()
    assert host.has_none_at(html(title, heading, "Try the search, or go home."))
    assert host.asked == [], "the host need not be asked"


@pytest.mark.parametrize(
    ("title", "heading", "text"),
    [
        ("404 Not Found", "404 Not Found", STORY * 12),
        ("How to design a good 404 page", "How to design a good 404 page", STORY * 3),
        ("Seven funny 404 pages by bakeries", "Seven funny 404 pages", STORY),
        ("Bread not found elsewhere in town", "Rare bread", STORY),
        ("Room 404", "The room with a view of the harbour", STORY),
        ("Our bread", "Our bread", "If a loaf cannot be found, ask us. " + STORY),
        ("Imprint", "", "Harbour Bakery, 12 Quay Street"),
    ],
)
@pytest.mark.parametrize("missing", [None, html("Not found", "404", "There is no such page.")])
def test_page_about_errors_survives(title: str, heading: str, text: str, missing: str) -> None:
    assert not Host(missing).has_none_at(html(title, heading, text))


def test_looks_like_what_the_host_shows_for_a_page_that_is_not_there() -> None:
    """No title tells; the words do, save for the address, a number and what is suggested."""
    shown = html("Harbour Bakery", "Hmm", "We looked for {}, which is nowhere: not found. Try {}.")
    host = Host(shown.format("/" + impossible_url(SITE).rpartition("/")[2], "rye 3"))
    assert host.has_none_at(shown.format("/old-page", "wheat 14"), "/old-page")
    assert host.asked == [impossible_url(SITE)]
    assert not host.has_none_at(html("Harbour Bakery", "Hmm", "Not found here: sugar. " + STORY))


def test_random_suggestions_do_not_hide_it() -> None:
    shown = html("404 | Bakery", "Sorry, page not found", "You may like {}.")
    host = Host(shown.format("rye, wheat and spelt bread"))
    assert host.has_none_at(shown.format("pastries, tarts, eclairs and cakes with cherries"))


def test_sound_pages_cost_no_request() -> None:
    host = Host(html("404", "404", ""))
    assert not host.has_none_at(html("Bread", "Bread", STORY))
    assert not host.has_none_at(html("404 Not Found", "", STORY * 12))
    assert host.asked == []


def test_each_host_is_asked_once() -> None:
    host = Host(html("Bakery", "Hmm", "Not found."))

    async def several() -> list[bool]:
        soft_404 = Soft404(host.ask)
        page = parse(html("Bakery", "Tea", "Milk is not found in it. " + STORY))
        urls = [f"{SITE}/{number}" for number in range(5)] + ["https://blog.example.com/a"]
        return await asyncio.gather(*(soft_404.is_one(page, url) for url in urls))

    assert not any(asyncio.run(several()))
    assert sorted(host.asked) == sorted(map(impossible_url, [SITE, "https://blog.example.com"]))
