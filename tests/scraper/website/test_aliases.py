"""One page under several addresses is kept once; different pages are never made one."""

import asyncio
import random
from pathlib import Path

from onbrand.config import Website
from scraper.raw import Failed, Page, read_raw
from scraper.website.crawl import CrawlResult, crawl
from tests.scraper.website.site import Site, answer, link, page, redirect, tagged


def run(folder: Path, site: Site, *, force: bool = False, **values: object) -> CrawlResult:
    given = {"start_urls": [site.url], "render": "never", **values}
    return asyncio.run(crawl(Website.model_validate(given), folder, force=force))


def kept(site: Site, folder: Path) -> dict[str, list[str]]:
    """The aliases of each page."""
    return {
        p.url.removeprefix(site.url): [alias.removeprefix(site.url) for alias in p.aliases]
        for p in read_raw(folder / "pages.jsonl.gz", Page)
    }


def names(target: str) -> str:
    return f"<link rel='canonical' href='{target}'>"


def test_canonical_page_is_fetched_and_kept_alone(site: Site, tmp_path: Path) -> None:
    bread = page("Bread", link("/rye"), names("/bread"))
    site.pages = {
        "/": page("Home", link("/shop/bread?ref=home", "/print/bread", "/header")),
        "/shop/bread?ref=home": bread,
        "/print/bread": page("Bread, to print", link("/only-from-print"), names("/moved")),
        "/moved": redirect("/bread"),
        "/bread": bread,
        "/header": answer(200, page("Bread", ""), Link='</a>; rel=x, </bread>; rel="canonical"'),
        "/rye": page("Rye", "", names("/rye")),
        "/only-from-print": page("Only linked from an alias", ""),
    }
    result = run(tmp_path, site)
    assert kept(site, tmp_path) == {
        "/": [],
        "/bread": ["/header", "/print/bread", "/shop/bread?ref=home"],
        "/only-from-print": [],
        "/rye": [],
    }
    assert (result.pages, result.aliases) == (4, 3)
    assert set(site.times.values()) == {1}
    assert run(tmp_path, site).aliases == 3


def test_canonical_links_that_are_not_true_lose_nothing(site: Site, tmp_path: Path) -> None:
    """To the home page, a page that is missing, disallowed, out of the site, or another one."""
    chance = random.Random(2)
    letters = "abcdefghijklmnopqrstuvwxyz"

    def own() -> str:
        return " ".join("".join(chance.sample(letters, 7)) for _ in range(12))

    home = {f"/page-{n}": page(f"Page {n}", own(), names("/")) for n in range(5)}
    site.pages = {
        "/robots.txt": answer(200, b"User-agent: *\nDisallow: /private/", "text/plain"),
        **home,
        "/to-missing": page("A", own(), names("/missing")),
        "/to-private": page("B", own(), names("/private/b")),
        "/to-elsewhere": page("C", own(), names("https://www.example.org/c")),
        "/other-text": page("D", own() * 3, names("/d")),
        "/d": page("D", own() * 3),
    }
    everything = [path for path in site.pages if path != "/robots.txt"]
    site.pages["/"] = page("Home", link(*everything), names("/"))
    result = run(tmp_path, site)
    assert set(kept(site, tmp_path)) == {"/", *everything}
    assert result.aliases == 0
    assert "/private/b" not in site.asked
    assert f"{site.url}/missing" in {
        f.locator for f in read_raw(tmp_path / "website-failed.jsonl", Failed)
    }


def test_pages_that_name_each_other(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/": page("Home", link("/b")),
        "/a": page("Same", "", names("/b")),
        "/b": page("Same", "", names("/a")),
    }
    run(tmp_path, site)
    assert kept(site, tmp_path) == {"/": [], "/b": ["/a"]}


def test_spellings_of_equal_content_are_one(site: Site, tmp_path: Path) -> None:
    """Closing slash, index page, order of parameters: only where the answers are equal."""
    site.pages = {
        "/": page(
            "Home", link("/a", "/a/", "/index.html", "/b", "/b/", "/c?x=1&y=2", "/c?y=2&x=1")
        ),
        "/a": page("A", ""),
        "/a/": page("A", ""),
        "/b": page("B", ""),
        "/b/": page("Another B", ""),
        "/c?x=1&y=2": page("C", ""),
        "/c?y=2&x=1": page("C", ""),
        "/same-text-elsewhere": page("A", ""),
    }
    site.pages["/index.html"] = site.pages["/"]
    site.pages["/b/"] = page("Another B", link("/same-text-elsewhere"))
    run(tmp_path, site)
    assert kept(site, tmp_path) == {
        "/": ["/index.html"],
        "/a": ["/a/"],
        "/b": [],
        "/b/": [],
        "/c?x=1&y=2": ["/c?y=2&x=1"],
        "/same-text-elsewhere": [],
    }


def test_aliases_of_a_repeated_crawl(site: Site, tmp_path: Path) -> None:
    """An alias is asked conditionally too, and becomes a page once it differs."""
    large = f"<!-- {'x' * 5000} -->"
    site.pages = {
        "/": tagged(page("Home", link("/copy", "/bread"))),
        "/copy": tagged(page("Bread", large, names("/bread"))),
        "/bread": tagged(page("Bread", large, names("/bread"))),
    }
    run(tmp_path, site)
    sent = site.sent
    assert run(tmp_path, site, force=True).changes.unchanged == 2
    assert site.sent - sent < 0.2 * sent
    assert kept(site, tmp_path) == {"/": [], "/bread": ["/copy"]}
    site.pages["/copy"] = tagged(page("Cake", "", names("/copy")))
    changes = run(tmp_path, site, force=True).changes
    assert (changes.new, changes.unchanged, changes.gone) == (1, 2, 0)
    assert kept(site, tmp_path) == {"/": [], "/bread": [], "/copy": []}
