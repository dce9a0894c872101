"""What a page's head and structured data say of it: its kind, its title, its description."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import lxml.html

from scraper.extract.words import words

_KINDS = (
    ("product", r"product|offer|itempage|individualproduct|vehicle"),
    ("article", r"article|blogposting|newsarticle|posting|report|recipe"),
    ("collection", r"collection|itemlist|offercatalog|searchresults|product\.group|category"),
    ("faq", r"faqpage"),
    ("forum", r"discussionforum|qapage|\bquestion\b|profilepage|forum"),
    ("service", r"service|softwareapplication|localbusiness|course|event"),
    ("software", r"techarticle|apireference|docs"),
)
_KIND_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in _KINDS)
_PLACES = (
    ("product", r"/products?/|/p/|/dp/|/item|/shop/.+/|/buy"),
    ("collection", r"/collections?/|/categor|/c/|/shop/?$|/store|/browse|/department|/all"),
    ("article", r"/blog/.+|/news/.+|/\d{4}/\d\d/|/articles?/.+|/post/|/story"),
    ("forum", r"forum|thread|/t/|/topic|discuss|community|/questions?/|/r/|viewtopic|comments"),
    ("doc", r"docs?[./]|/docs?/|documentation|/reference|/manual|/guide|/api|developer|wiki|"
     r"/learn"),
    ("list", r"/blog/?$|/news/?$|/tags?/|/topics?/|/authors?/|/archive|/events?/?$|"
     r"/page/\d|/resources"),
    ("home", r"^https?://[^/]+/?$"),
)  # fmt: skip
_PLACE_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in _PLACES)
_GENERATORS = re.compile(
    r"(?P<shop>shopify|woocommerce|magento|bigcommerce|prestashop)|"
    r"(?P<forum>discourse|phpbb|vbulletin|xenforo|mybb|invision|vanilla|flarum|nodebb)|"
    r"(?P<doc>sphinx|docusaurus|mkdocs|gitbook|vitepress|hugo|jekyll|mediawiki|readme|doxygen)|"
    r"(?P<press>wordpress|ghost|drupal|wix|squarespace|webflow|hubspot)",
    re.IGNORECASE,
)
_GENERATOR_NAMES = tuple(_GENERATORS.groupindex)
_SEPARATOR = re.compile(r" [|·•»—–:-] ")
_MOST_JSON = 2_000_000
"""Characters. Longer scripts of structured data are not read."""


@dataclass
class Metadata:
    """The title, the description and the structured data's words, and hints at the kind of page."""

    title: str = ""
    """As the head has it, with the site's name where that is in it."""
    heading: str = ""
    """The page's only h1."""
    site: str = ""
    description: str = ""
    url: str = ""
    types: str = ""
    """Names of the structured data's types and og:type, lower case."""
    generator: str = ""
    data: list[str] = field(default_factory=list)
    """Longer texts in the structured data."""

    def __post_init__(self) -> None:
        """Cut the texts into words once."""
        self._title = set(words(self.title))
        self._description = set(words(self.description))
        self._data = {word for text in self.data for word in words(text)}

    def name(self) -> str:
        """The page's h1, else its title without the site's name before or after a separator."""
        parts = _SEPARATOR.split(" ".join(self.title.split()))
        own = [part for part in parts if part.strip().casefold() != self.site.casefold()]
        title = self.heading or (own[0] if self.site and len(own) == 1 else self.title)
        return " ".join(title.split())

    def in_title(self, text: list[str]) -> float:
        """Share of the words that the page's title has too."""
        return _share(text, self._title)

    def in_description(self, text: list[str]) -> float:
        """Share of the words that the page's description has too."""
        return _share(text, self._description)

    def in_data(self, text: list[str]) -> float:
        """Share of the words that the structured data's texts have too."""
        return _share(text, self._data)

    def kinds(self) -> list[float]:
        """Which kinds of page the types, the address and the generator point to; 1 or 0 each."""
        url = self.url.lower()
        generators = {match.lastgroup for match in _GENERATORS.finditer(self.generator)}
        return [
            *(float(bool(pattern.search(self.types))) for _, pattern in _KIND_PATTERNS),
            *(float(bool(pattern.search(url))) for _, pattern in _PLACE_PATTERNS),
            *(float(name in generators) for name in _GENERATOR_NAMES),
        ]


def metadata_of(tree: lxml.html.HtmlElement) -> Metadata:
    """Read the head and the JSON-LD of a page."""
    named: dict[str, str] = {}
    for element in tree.iter("meta"):
        name = (element.get("property") or element.get("name") or "").lower()
        if name and element.get("content"):
            named.setdefault(name, element.get("content"))
    types, data = [named.get("og:type", "")], []
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() == "application/ld+json":
            for entry in _entries(script.text or ""):
                types.append(str(entry.get("@type", "")))
                data += [
                    text
                    for key in ("description", "articleBody", "text")
                    if isinstance(text := entry.get(key), str) and len(text) > 40
                ]
    canonical = next(
        (
            link.get("href") or ""
            for link in tree.iter("link")
            if (link.get("rel") or "").lower() == "canonical"
        ),
        "",
    )
    headings = [" ".join(element.text_content().split()) for element in tree.iter("h1")]
    body = tree.find("body")
    names = (body.get("class") or "") if body is not None else ""
    return Metadata(
        title=tree.findtext(".//title") or named.get("og:title", ""),
        heading=headings[0] if len(headings) == 1 else "",
        site=named.get("og:site_name", "").strip(),
        description=named.get("og:description", "") or named.get("description", ""),
        url=canonical or named.get("og:url", ""),
        types=" ".join(types).lower(),
        generator=" ".join([named.get("generator", ""), names, tree.get("class") or ""]),
        data=data,
    )


def _entries(text: str) -> Iterator[dict[str, Any]]:
    """Every object in a script of JSON-LD that has a type."""
    if len(text) > _MOST_JSON:
        return
    try:
        waiting: list[Any] = [json.loads(text, strict=False)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            if "@type" in value:
                yield value
            waiting.extend(value.values())


def _share(text: list[str], among: set[str]) -> float:
    return sum(map(among.__contains__, text)) / len(text) if text and among else 0.0
