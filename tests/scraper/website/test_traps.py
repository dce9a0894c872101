"""Endless parts of a site are given up, and nothing that only looks like one."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from onbrand.config import Website
from scraper.raw import Failed, Page, read_raw
from scraper.website.crawl import CrawlResult, crawl
from scraper.website.traps import Kind, combines, family_of, oddity
from tests.scraper.website.site import Site, link, page

E = "https://example.com"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/a" * 1000, "longer than 2000 characters"),
        ("/a/b" * 3 + "/c", "repeats itself 3 times"),
        ("/shop/shop/shop", "repeats itself 3 times"),
        ("/en/a/b/c/d/a/b/c/d/a/b/c/d", "repeats itself 3 times"),
        ("/level1/level2/level3/level4/level5", "repeats itself 3 times"),
        ("/" + "/".join("abcdefghijklmnopqrstu"), "more than 20 segments"),
        ("/?" + "&".join(f"{letter}=1" for letter in "abcdefghijklm"), "more than 12 parameters"),
        ("/?tag=a&tag=a&tag=a", "repeats a parameter 3 times"),
    ],
)
def test_odd_urls(path: str, reason: str) -> None:
    assert reason in (oddity(E + path) or "")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/2011/11/11/11-things",
        "/blog/blog/",
        "/de/shop/shoes/shoes-for-men/shoes-for-men-red",
        "/products/1000/1001/1002/1003/1004",
        "/vol1/vol2/vol3/vol4",
        "/?tag=a&tag=b&tag=c",
        "/shop?page=40&sort=price&color=red&size=m",
        "/" + "/".join("abcdefghijklmnopqrst"),
    ],
)
def test_urls_that_are_not_odd(path: str) -> None:
    assert oddity(E + path) is None


@pytest.mark.parametrize(
    ("path", "kind", "key"),
    [
        ("/calendar/2031/05", Kind.DATES, "/calendar"),
        ("/calendar/2031/05/12/", Kind.DATES, "/calendar"),
        ("/calendar/2031-05", Kind.DATES, "/calendar"),
        ("/calendar?month=5&year=2031", Kind.DATES, "/calendar"),
        ("/events?tribe-bar-date=2031-05-01", Kind.DATES, "/events"),
        ("/shop?page=2", Kind.NUMBERS, "/shop?page"),
        ("/product?id=17", Kind.NUMBERS, "/product?id"),
        ("/index.php?option=content&view=article&id=3", Kind.NUMBERS, "/index.php?id,option,view"),
        ("/shop?sort=price&color=red", Kind.PARAMETERS, "/shop"),
        ("/?s=bread", Kind.PARAMETERS, "/"),
    ],
)
def test_families(path: str, kind: Kind, key: str) -> None:
    family = family_of(E + path)
    assert family
    assert (family.kind, family.key) == (kind, f"example.com{key}")


@pytest.mark.parametrize(
    "path", ["/", "/product/17", "/2031/05/a-summer-fair", "/size/42/red", "/a-2031-05-b"]
)
def test_no_family(path: str) -> None:
    assert family_of(E + path) is None


def test_combinations() -> None:
    assert combines(f"{E}/shop?sort=price&color=red")
    assert not combines(f"{E}/shop?color=red&page=3")


def run(folder: Path, site: Site, **values: object) -> CrawlResult:
    given = {"start_urls": [site.url], "render": "never", "concurrency": 8, **values}
    return asyncio.run(crawl(Website.model_validate(given), folder))


def paths(site: Site, folder: Path) -> list[str]:
    return [p.url.removeprefix(site.url) for p in read_raw(folder / "pages.jsonl.gz", Page)]


def traps(site: Site, folder: Path) -> dict[str, str]:
    return {
        f.locator.removeprefix(site.url): f.reason
        for f in read_raw(folder / "website-failed.jsonl", Failed)
        if "trap" in f.reason
    }


class Endless(dict[str, Any]):
    """Pages that are made up when they are asked for."""

    def __init__(self, fixed: dict[str, Any], make: Any) -> None:
        super().__init__(fixed)
        self._make = make

    def get(self, path: str, default: Any = None) -> Any:
        return super().get(path) or self._make(path) or default


def month(path: str) -> bytes | None:
    if not path.startswith("/calendar/"):
        return None
    year, number = map(int, path.split("/")[2:])
    months = [(year * 12 + number - 1 + step) for step in (-12, -1, 1, 12)]
    names = "January February March April May June July August September October November December"
    title = f"{names.split()[number - 1]} {year}"
    return page(title, link(*(f"/calendar/{m // 12}/{m % 12 + 1:02}" for m in months)))


def test_endless_calendar_is_given_up(site: Site, tmp_path: Path) -> None:
    posts = [f"/news/2019/{n:02}/story-{n}" for n in range(1, 13)]
    site.pages = Endless(
        {
            "/": page("Home", link("/calendar/2026/05", "/news", *posts[:3])),
            "/news": page("News", link(*(f"/news/2019/{n:02}" for n in range(1, 13)))),
            **{
                f"/news/2019/{n:02}": page(f"News {n}", link(f"/news/2019/{n:02}/story-{n}"))
                for n in range(1, 13)
            },
            **{post: page(f"Story {post}", "") for post in posts},
        },
        month,
    )
    result = run(tmp_path, site)
    found = paths(site, tmp_path)
    assert set(posts) <= set(found), "an archive by date that leads somewhere is no trap"
    visited = [path for path in found if path.startswith("/calendar")]
    assert 6 <= len(visited) <= 30
    given_up = traps(site, tmp_path)
    assert result.traps == len(given_up) >= 4
    assert set(given_up.values()) == {
        "it looks like a trap: 6 URLs like it led to nothing new and said the same"
    }
    assert all(path.startswith("/calendar") for path in given_up)


def test_what_is_given_up_does_not_depend_on_timing(site: Site, tmp_path: Path) -> None:
    site.pages = Endless({"/": page("Home", link("/calendar/2026/05"))}, month)
    for concurrency in (1, 8):
        run(tmp_path / str(concurrency), site, concurrency=concurrency)
    assert paths(site, tmp_path / "1") == paths(site, tmp_path / "8")
    assert traps(site, tmp_path / "1") == traps(site, tmp_path / "8")


def test_endless_parameters_are_given_up(site: Site, tmp_path: Path) -> None:
    chance = random.Random(1)

    def anything(path: str) -> bytes | None:
        if not path.startswith("/list?"):
            return None
        more = [f"/list?view={chance.randrange(10**9)}&by={n}" for n in range(3)]
        return page("List", link(*more))

    site.pages = Endless({"/": page("Home", link("/list?view=1", "/about"))}, anything)
    site.pages["/about"] = page("About", "")
    result = run(tmp_path, site)
    assert "/about" in paths(site, tmp_path)
    assert result.pages < 60
    assert result.traps > 0
    assert all(path.startswith("/list?") for path in traps(site, tmp_path))


def test_path_that_deepens_is_given_up(site: Site, tmp_path: Path) -> None:
    def deeper(path: str) -> bytes | None:
        return page("Deep", link(f"{path}/more")) if path.startswith("/deep") else None

    site.pages = Endless({"/": page("Home", link("/deep"))}, deeper)
    run(tmp_path, site)
    assert paths(site, tmp_path) == ["/", "/deep", "/deep/more", "/deep/more/more"]
    assert traps(site, tmp_path) == {
        "/deep/more/more/more": "it looks like a trap: its path repeats itself 3 times"
    }


def test_session_ids_lead_to_one_page(site: Site, tmp_path: Path) -> None:
    sessions = [f"4f1c{n:012}e" for n in range(5)]
    site.pages = {
        "/": page(
            "Home",
            link(
                *(f"/a?PHPSESSID={s}" for s in sessions),
                *(f"/a;jsessionid={s}" for s in sessions),
                *(f"/a?sid={s}" for s in sessions),
                *(f"/(S({s}))/a" for s in sessions),
            ),
        ),
        "/a": page("A", ""),
    }
    run(tmp_path, site)
    assert paths(site, tmp_path) == ["/", "/a"]
    assert site.times["/a"] == 1


@pytest.mark.slow
def test_shop_is_no_trap(site: Site, tmp_path: Path) -> None:
    """Forty listing pages that differ in numbers alone, 400 products by id."""
    per_page = 10
    site.pages = {"/": page("Home", link("/shop?page=1"))}
    for number in range(1, 41):
        ids = range((number - 1) * per_page, number * per_page)
        onwards = [f"/shop?page={number + 1}"] if number < 40 else []
        products = [f"/product?id={item}" for item in ids]
        site.pages[f"/shop?page={number}"] = page(f"Shop {number}", link(*products, *onwards))
        site.pages |= {product: page("Product", "") for product in products}
    result = run(tmp_path, site, max_depth=50)
    assert result.pages == 1 + 40 + 400
    assert result.traps == 0


@pytest.mark.slow
def test_pages_of_testimonials_are_no_trap(site: Site, tmp_path: Path) -> None:
    """Nothing but the next page is linked, yet each says something of its own."""
    chance = random.Random(5)
    words = [
        f"{first}{second}{third}" for first in "bcdfgk" for second in "aeiou" for third in "lmnrst"
    ]
    for number in range(30):
        said = " ".join(chance.sample(words, 40))
        onwards = link(f"/said?view={number + 1}") if number < 29 else ""
        site.pages[f"/said?view={number}"] = page("What they say", f"<p>{said}</p>{onwards}")
    site.pages["/"] = page("Home", link("/said?view=0"))
    assert run(tmp_path, site, max_depth=50).pages == 31
