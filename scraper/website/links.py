"""What a page links to, and the address it gives as its own."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from scraper.website.url import normalise, origin_of

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_TARGETS = etree.XPath("//a/@href | //area/@href", smart_strings=False)
_REFRESH = etree.XPath("//meta[@http-equiv and @content]")
_BASE = etree.XPath("string(//base/@href)", smart_strings=False)
_CANONICAL = etree.XPath("//link[@rel and @href]")
_TEXT = etree.XPath(
    "//text()[not(parent::script or parent::style or parent::noscript or parent::template)]",
    smart_strings=False,
)


def links(tree: Any, url: str) -> set[str]:
    """Normalised targets of <a>, <area> and <meta refresh>; <base> is respected."""
    base = _base(tree, url)
    written = [*_TARGETS(tree), *_refreshes(tree)]
    return {target for given in set(written) if (target := _absolute(base, given))}


def canonical(tree: Any, url: str) -> str:
    """Normalised target of the first <link rel="canonical">; empty where there is none."""
    for element in _CANONICAL(tree):
        if "canonical" in element.get("rel").casefold().split():
            return _absolute(_base(tree, url), element.get("href")) or ""
    return ""


def texts(tree: Any) -> Iterable[str]:
    """The pieces of text that a reader may see."""
    pieces: list[str] = _TEXT(tree)
    return pieces


def _refreshes(tree: Any) -> Iterable[str]:
    for element in _REFRESH(tree):
        if element.get("http-equiv").strip().casefold() == "refresh":
            _, _, rest = element.get("content").partition(";")
            name, _, target = rest.partition("=")
            if name.strip().casefold() == "url":
                yield target.strip().strip("'\"")


def _base(tree: Any, url: str) -> str:
    base = _BASE(tree).strip()
    return (_join(url, base) or url) if base else url


def _absolute(base: str, given: str) -> str | None:
    given = given.strip()
    if given.startswith("#"):
        return None
    if given.startswith("/") or _SCHEME.match(given):
        base = origin_of(base)  # all that counts of it, so that one answer serves every page
    return _join(base, given)


@lru_cache(65_536)
def _join(base: str, given: str) -> str | None:
    try:
        return normalise(urljoin(base, given))
    except ValueError:
        return None
