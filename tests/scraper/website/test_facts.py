"""JSON-LD as sites write it, slips included, as plain facts; of people nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.raw import Page
from scraper.website import json_ld
from scraper.website.facts import collect_facts, read_facts
from scraper.website.json_ld import plain, read_json_ld

URL = "https://www.example.com/"


def page(*blocks: str, url: str = URL) -> Page:
    scripts = "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)
    return Page(
        url=url, final_url=url, status=200, fetched_at="", content_hash="",
        html=f"<html><head>{scripts}</head><body><p>Bread</p></body></html>",
    )  # fmt: skip


def facts(*things: object) -> list[tuple[str, dict[str, object]]]:
    found, reasons = read_facts(page(*map(json.dumps, things)))
    assert not reasons
    return [(fact.type, fact.fields) for fact in found]


def test_organization() -> None:
    given = {
        "@context": "https://schema.org",
        "@type": ["Organization", "Bakery"],
        "name": "Harbour &amp; Sons",
        "description": "<p>Bread since 1987.</p><p>And cakes.</p>",
        "address": {"@type": "PostalAddress", "streetAddress": "12 Quay", "postalCode": "EH1",
                    "addressLocality": "Leith", "addressCountry": {"name": "GB"}},
        "openingHoursSpecification": [
            {"dayOfWeek": ["https://schema.org/Monday", "Tuesday"], "opens": "09:00:00",
             "closes": "17:00"}],
        "sameAs": ["https://www.instagram.com/harbour"],
        "founder": {"@type": "Person", "name": "Someone"},
        "employee": [{"@type": "Person", "name": "Else"}],
        "review": {"@type": "Review", "author": {"name": "Customer"}, "reviewBody": "Nice"},
        "logo": {"@type": "ImageObject", "url": "/x.png"},
    }  # fmt: skip
    (found,), _ = read_facts(page(json.dumps(given)))
    assert found.type == "Organization"
    assert found.schema_types == ["Bakery", "Organization"]
    assert found.fields == {
        "name": "Harbour & Sons",
        "description": "Bread since 1987.\nAnd cakes.",
        "address": ["12 Quay, EH1, Leith, GB"],
        "openingHoursSpecification": ["Monday, Tuesday 09:00-17:00"],
        "sameAs": ["https://www.instagram.com/harbour"],
    }


def test_graph_with_references_and_parts() -> None:
    found = facts(
        {"@context": "https://schema.org", "@graph": [
            {"@type": "Organization", "@id": "#us", "name": "Harbour Bakery"},
            {"@type": "WebPage", "mainEntity": {"@type": "Product", "name": "Rye",
             "brand": {"@id": "#us"}, "offers": {"@type": "AggregateOffer", "offers": [
                {"price": 4.5, "priceCurrency": "EUR",
                 "availability": "https://schema.org/InStock"}]},
             "aggregateRating": {"ratingValue": 5}, "review": [{"author": "Somebody"}]}},
            {"@type": "ItemList", "itemListElement": [
                {"@type": "ListItem", "item": {"@type": "Product", "name": "Oat"}}]},
        ]}
    )  # fmt: skip
    assert found == [
        ("Organization", {"name": "Harbour Bakery"}),
        ("Product", {"name": "Rye", "brand": "Harbour Bakery", "offers": [
            {"price": "4.5", "priceCurrency": "EUR", "availability": "InStock"}]}),
        ("Product", {"name": "Oat"}),
    ]  # fmt: skip


def test_questions_with_plain_answers() -> None:
    found = facts(
        {"@type": "FAQPage", "mainEntity": [
            {"@type": "Question", "name": "Do you deliver?", "acceptedAnswer": {
                "@type": "Answer", "author": {"@type": "Person", "name": "Someone"},
                "text": "&lt;p&gt;Yes, to &lt;b&gt;Leith&lt;/b&gt;.&lt;/p&gt;&lt;ul&gt;&lt;li&gt;"
                        "by bike&lt;/li&gt;&lt;li&gt;by boat&lt;/li&gt;&lt;/ul&gt;"}},
            {"@type": "Question", "name": "Unanswered?"},
            {"@type": "Question", "name": "Vegan?", "acceptedAnswer": [{"text": "All of it"}]},
        ]}
    )  # fmt: skip
    assert found == [
        ("FAQPage", {"questions": [
            {"question": "Do you deliver?", "answer": "Yes, to Leith.\nby bike\nby boat"},
            {"question": "Vegan?", "answer": "All of it"},
        ]})
    ]  # fmt: skip


def test_article_without_its_author() -> None:
    given = {"@type": "BlogPosting", "headline": "Rye, again", "datePublished": "2024-05-01",
             "author": {"@type": "Person", "name": "Someone"}, "comment": [{"text": "Hi"}],
             "publisher": {"@type": "Organization", "name": "Harbour"}}  # fmt: skip
    assert facts(given) == [("Article", {"headline": "Rye, again", "datePublished": "2024-05-01"})]


def test_unlisted_kind_of_business_is_known_by_its_hours() -> None:
    florist = {"@type": "Florist", "name": "Tulip", "openingHours": "Mo-Fr 9-17"}
    assert facts(florist, {"@type": "Person", "name": "A", "openingHours": "x"}) == [
        ("Organization", {"name": "Tulip", "openingHours": ["Mo-Fr 9-17"]})
    ]


@pytest.mark.parametrize(
    "block",
    [
        '<!-- {"@type": "Brand", "name": "Harbour"} -->',
        '//<![CDATA[\n{"@type": "Brand", "name": "Harbour"}\n//]]>',
        '/*<![CDATA[*/ {"@type": "Brand", "name": "Harbour"} /*]]>*/',
        '{"@type": "Brand", "name": "Harbour",}',
        '[{"@type": "http://schema.org/Brand", "name": "Har\tbour".replace}]'.replace(
            ".replace", ""
        ),
        '{"@type": "Brand", "name": "Harbour"};',
        '\ufeff{"@type": "Brand", "name": "Harbour"}',
    ],
)
def test_slips_are_forgiven(block: str) -> None:
    (found,), reasons = read_facts(page(block))
    assert found.fields["name"].replace(" ", "") == "Harbour"
    assert not reasons


def test_broken_block_is_named_and_stops_nothing() -> None:
    good = '{"@type": "Brand", "name": "Harbour"}'
    found, reasons = read_facts(page('{"@type": ', good, "[" * 100_000, ""))
    assert [fact.fields["name"] for fact in found] == ["Harbour"]
    assert [reason.partition(": ")[0] for reason in reasons] == [
        f"its JSON-LD block {number} cannot be read" for number in (1, 3, 4)
    ]


def test_same_fact_on_many_pages_is_one() -> None:
    brand, rye = '{"@type":"Brand","name":"H"}', '{"@type":"Product","name":"Rye"}'
    pages = [
        page(brand, url=URL),
        page(brand, rye, brand, url=URL + "rye"),
        page("{", url=URL + "x"),
    ]
    found, reasons = collect_facts(pages)
    assert [(f.url, f.fields["name"], f.pages) for f in found] == [
        (URL, "H", 2),
        (URL + "rye", "Rye", 1),
    ]
    assert [failed.locator for failed in reasons] == [URL + "x"]


_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["@type", "@id", "@graph", "name", "mainEntity", "offers", "address",
                         "acceptedAnswer", "text", "openingHoursSpecification", "dayOfWeek"]),
        inner | st.sampled_from(["FAQPage", "Product", "Organization", "Article"]), max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(_json)
def test_any_json_is_survived(value: object) -> None:
    for fact in read_facts(page(json.dumps(value)))[0]:
        assert fact.fields


@given(st.text())
def test_plain_text_stays_plain(text: str) -> None:
    once = plain(plain(text))
    assert plain(once) == once or "&" in once or "<" in once


def test_pages_without_json_ld_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_ld, "parse", lambda html: pytest.fail("it was parsed"))
    assert read_json_ld("<p>" + "<div>" * 10) == ([], [])


def test_file_is_the_same_every_time(tmp_path: Path) -> None:
    from scraper.raw import write_raw

    for name in ("a", "b"):
        write_raw(tmp_path / name, collect_facts([page('{"@type":"Brand","name":"H"}')])[0])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
