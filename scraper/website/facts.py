"""What pages state about the brand in JSON-LD (https://schema.org), as plain fields.

Organizations and local businesses, products, questions with answers, and headlines. Reviews,
authors, employees and other people are left out: of each thing only the fields named here are read.
"""

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from scraper.raw import Fact, FactType, Failed, Page
from scraper.website.json_ld import MARKER, Node, Nodes, plain, read_json_ld

LONGEST_VALUE = 20_000
"""Characters of one field."""

_ORGANIZATIONS = frozenset([
    "Organization", "Corporation", "LocalBusiness", "OnlineBusiness", "OnlineStore", "NGO",
    "Brand", "Store", "Restaurant", "Bakery", "CafeOrCoffeeShop", "Hotel", "LodgingBusiness",
    "FoodEstablishment", "ProfessionalService", "EducationalOrganization", "CollegeOrUniversity",
    "School", "MedicalOrganization", "NewsMediaOrganization", "PerformingGroup",
    "SportsOrganization", "Airline", "Cooperative", "GovernmentOrganization",
])  # fmt: skip
_PRODUCTS = frozenset(["Product", "ProductGroup", "IndividualProduct", "ProductModel", "Vehicle"])
_ARTICLES = frozenset([
    "Article", "BlogPosting", "NewsArticle", "TechArticle", "Report", "SocialMediaPosting",
    "Recipe", "HowTo", "AnalysisNewsArticle", "ReportageNewsArticle",
])  # fmt: skip
_ADDRESS = ("streetAddress", "postalCode", "addressLocality", "addressRegion", "addressCountry")
_NO_BUSINESS = frozenset(["Person", "Place", "Event", "PostalAddress", "Review", "JobPosting"])


def read_facts(page: Page) -> tuple[list[Fact], list[str]]:
    """The facts of a page in the order it states them, and the reason for each unreadable block."""
    things, reasons = read_json_ld(page.html)
    nodes = Nodes(things)
    facts: dict[str, Fact] = {}
    for thing in things:
        if fact := _fact(thing, nodes, page.url):
            facts.setdefault(_key(fact), fact)
    return list(facts.values()), reasons


def pages_that_state(packed: Iterable[tuple[str, bytes]]) -> Iterator[Page]:
    """Of pages, given by URL and gzip member, those that carry JSON-LD; the others stay packed."""
    for _, member in packed:
        line = gzip.decompress(member)
        if MARKER.encode() in line.lower():
            yield Page.model_validate_json(line)


def collect_facts(pages: Iterable[Page]) -> tuple[list[Fact], list[Failed]]:
    """The facts of all pages, each once, under the first page that states it; what is unreadable.

    Deterministic, for the pages come by URL.
    """
    facts: dict[str, Fact] = {}
    unreadable: list[Failed] = []
    for page in pages:
        found, reasons = read_facts(page)
        for fact in found:
            known = facts.get(_key(fact))
            again = known.model_copy(update={"pages": known.pages + 1}) if known else fact
            facts[_key(fact)] = again
        if reasons:
            reason = "; ".join(reasons)
            unreadable.append(Failed(source="website", locator=page.url, reason=reason))
    return list(facts.values()), unreadable


def _fact(thing: Node, nodes: Nodes, url: str) -> Fact | None:
    types = _types(thing)
    kind = _kind(thing, types)
    if not kind:
        return None
    fields = {
        name: value
        for name, read in _FIELDS[kind].items()
        if (value := read(thing.get(name), nodes)) not in ("", [], {}, None)
    }
    if kind == "FAQPage" and "mainEntity" in fields:
        fields = {"questions": fields["mainEntity"]}
    if not fields or fields.keys() <= {"url"}:
        return None
    return Fact(url=url, type=kind, schema_types=types, fields=fields)


def _kind(thing: Node, types: list[str]) -> FactType | None:
    if "FAQPage" in types:
        return "FAQPage"
    if _PRODUCTS.intersection(types):
        return "Product"
    if _ARTICLES.intersection(types):
        return "Article"
    if _ORGANIZATIONS.intersection(types):
        return "Organization"
    # schema.org has more than a hundred kinds of local business (Florist, Dentist, TattooParlor …).
    opens = "openingHours" in thing or "openingHoursSpecification" in thing
    is_business = types and "name" in thing and opens and not _NO_BUSINESS.intersection(types)
    return "Organization" if is_business else None


def _types(thing: Node) -> list[str]:
    given = thing.get("@type")
    named = given if isinstance(given, list) else [given]
    return sorted({re.split(r"[/#:]", t)[-1] for t in named if isinstance(t, str)} - {""})


def _text(value: Any, nodes: Nodes) -> str:
    """A value as plain text: of several the first, of a thing its name."""
    value = nodes.follow(value)
    if isinstance(value, list):
        return next((text for item in value if (text := _text(item, nodes))), "")
    if isinstance(value, dict):
        return _text(value.get("@value", value.get("name", "")), nodes)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return plain(str(value))[:LONGEST_VALUE]


def _texts(value: Any, nodes: Nodes) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(text for item in values if (text := _text(item, nodes))))


def _address(value: Any, nodes: Nodes) -> list[str]:
    """Postal addresses, each in one line."""
    lines = []
    for given in value if isinstance(value, list) else [value]:
        item = nodes.follow(given)
        if isinstance(item, dict):
            line = ", ".join(filter(None, (_text(item.get(name), nodes) for name in _ADDRESS)))
        else:
            line = _text(item, nodes)
        if line and line not in lines:
            lines.append(line)
    return lines


def _hours(value: Any, nodes: Nodes) -> list[str]:
    """Opening hours such as `Monday, Tuesday 09:00-17:00`."""
    lines = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            continue
        days = ", ".join(re.split(r"[/#]", day)[-1] for day in _texts(item.get("dayOfWeek"), nodes))
        opens, closes = (_text(item.get(name), nodes)[:5] for name in ("opens", "closes"))
        lines.append(f"{days} {opens}-{closes}".strip(" -"))
    return list(dict.fromkeys(filter(None, lines)))


def _offers(value: Any, nodes: Nodes) -> list[dict[str, str]]:
    """Price, currency and availability of each offer."""
    found = []
    for given in value if isinstance(value, list) else [value]:
        item = nodes.follow(given)
        if not isinstance(item, dict):
            continue
        if isinstance(item.get("offers"), list):
            found += _offers(item["offers"], nodes)
        names = ("price", "lowPrice", "highPrice", "priceCurrency", "availability")
        offer = {name: text for name in names if (text := _text(item.get(name), nodes))}
        if "availability" in offer:
            offer["availability"] = re.split(r"[/#]", offer["availability"])[-1]
        if offer:
            found.append(offer)
    return [offer for number, offer in enumerate(found) if offer not in found[:number]]


def _questions(value: Any, nodes: Nodes) -> list[dict[str, str]]:
    """Question and answer pairs; a question without an answer is none."""
    pairs = []
    for given in value if isinstance(value, list) else [value]:
        question = nodes.follow(given)
        if not isinstance(question, dict):
            continue
        answer = nodes.follow(question.get("acceptedAnswer") or question.get("suggestedAnswer"))
        answer = answer[0] if isinstance(answer, list) and answer else answer
        asked = _text(question.get("name") or question.get("text"), nodes)
        said = _text(answer.get("text") if isinstance(answer, dict) else answer, nodes)
        if asked and said:
            pairs.append({"question": asked, "answer": said})
    return pairs


_Read = Callable[[Any, Nodes], Any]
_FIELDS: dict[FactType, dict[str, _Read]] = {
    "Organization": {
        "name": _text, "legalName": _text, "alternateName": _texts, "url": _text,
        "description": _text, "slogan": _text, "foundingDate": _text, "address": _address,
        "telephone": _texts, "email": _texts, "openingHours": _texts,
        "openingHoursSpecification": _hours, "areaServed": _texts, "priceRange": _text,
        "servesCuisine": _texts, "knowsAbout": _texts, "award": _texts, "brand": _texts,
        "sameAs": _texts,
    },
    "Product": {
        "name": _text, "description": _text, "brand": _text, "category": _texts, "sku": _text,
        "mpn": _text, "gtin": _text, "gtin8": _text, "gtin12": _text, "gtin13": _text,
        "gtin14": _text, "color": _texts, "material": _texts, "size": _texts, "url": _text,
        "offers": _offers,
    },
    "FAQPage": {"mainEntity": _questions},
    "Article": {
        "headline": _text, "alternativeHeadline": _text, "description": _text,
        "articleSection": _texts, "keywords": _texts, "datePublished": _text, "dateModified": _text,
    },
}  # fmt: skip


def _key(fact: Fact) -> str:
    return fact.model_dump_json(include={"type", "fields"})
