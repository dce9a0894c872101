"""The steps together: no contact data is left behind, and cleaning twice is cleaning once."""

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onbrand.config import Clean
from onbrand.record import Record, record_id
from scraper.clean.pipeline import clean

MakeRecord = Callable[..., Record]
MASK = re.compile(r"\[(?:phone|email|address)\]")


def test_what_is_dropped_early_holds_no_contact_data(make_record: MakeRecord) -> None:
    post = make_record("Cake: 202-555-0123", source="instagram", url="u", title="a@b.example")
    again = post.model_copy(update={"text": "Bread: 202-555-01\u200b23", "tags": ["2025550123"]})
    page = make_record("Tel: 202-555-0123", source="website", url="https://b.example")
    own = ("Bread every morning", "Cake at the harbour", "Tea for two", "")
    files = [make_record(f"Tel: 202-555-0123\n{text}", f"s/{text}") for text in own]
    result = clean([post, again, page, *files], Clean(), [], ["s"], own_texts={page.id: ""})
    early = [item for item in result.rejected if item.step != "too-short"]
    assert {item.step for item in early} == {"same-place", "main-text", "repeated-blocks"}
    for record in [*result.records, *(item.record for item in result.rejected)]:
        assert "555" not in record.model_dump_json(exclude={"url"})
        assert "a@b.example" not in record.title
    kept = clean([post, again, page], Clean(contact="keep"), [], [], own_texts={page.id: ""})
    assert kept.rejected[0].record == again


def test_contact_data_in_tags_and_file_names(make_record: MakeRecord) -> None:
    post = make_record(
        "Call us #03001234567 for cakes and more #cakes2024", source="instagram", url="u",
        tags=["03001234567", "cakes2024"],
    )  # fmt: skip
    file = make_record(
        "One line only, about bread and butter.", url="file:s/Call%200300%201234567.txt"
    )
    result = clean([post, file], Clean(phone_region="PK"), [], ["s"])
    by_source = {record.source: record for record in result.records}
    assert by_source["instagram"].tags == ["cakes2024"]
    assert by_source["instagram"].text.startswith("Call us #[phone] for")
    assert by_source["file"].title == "Call [phone]"


PART = st.sampled_from(
    ["202-555-0123", "+44 20 7946 0958", "0300 1234567", "01 42 68 53 00", "a@b.example", "No. ",
     "tel:+12025550123", "Call ", "Phone: ", "#", "SKU ", "(", ")", "12", "1947", "-", "/", " ",
     ", ", "\n", "\n", "☕", "[phone]", "[address]", "â€™", "Ã", "Ã©", "\u2800", "\u200b", "&am",
     "p;", "lt;", "ﬁ", "e\u0301", "\u0958", "\x85", "\r", "\ud83d\ude00", "Menu\n",
     "\n© 2024 Brand", "fresh bread", "every morning", "at the harbour", "our tea", "is best",
     "for you", "#Tea "]
)  # fmt: skip
TEXTS = st.lists(st.lists(PART, max_size=8).map("".join), max_size=10)


@settings(max_examples=150, deadline=None)
@given(
    posts=TEXTS, files=TEXTS, how=st.sampled_from(["mask", "remove", "keep"]),
    region=st.sampled_from(["US", "GB", "PK", "FR", "IN"]), streets=st.booleans(),
    min_words=st.integers(1, 3),
)  # fmt: skip
def test_cleaning_is_done_once_and_lengthens_nothing(
    posts: list[str], files: list[str], how: Literal["mask", "remove", "keep"], region: str,
    streets: bool, min_words: int,
) -> None:  # fmt: skip
    """Length is told without masks and in NFC, which splits some letters, such as U+0958."""
    chosen = Clean(
        contact=how, phone_region=region, min_words=min_words,
        street_addresses=streets and region in ("US", "GB"),
    )  # fmt: skip
    came_in = [
        *(Record(id=record_id("instagram", str(n)), source="instagram", url=f"p:{n}", text=text)
          for n, text in enumerate(posts)),
        *(Record(id=record_id("file", f"s/{n}"), source="file", url=f"file:s/{n}", text=text)
          for n, text in enumerate(files)),
    ]  # fmt: skip
    once = clean(came_in, chosen, [], ["s"]).records
    twice = clean(once, chosen, [], ["s"]).records
    assert [(r.id, r.text) for r in twice] == [(r.id, r.text) for r in once]
    raw = {record.id: record.text for record in came_in}
    for record in once:
        assert len(MASK.sub("", record.text)) <= len(unicodedata.normalize("NFC", raw[record.id]))


@pytest.mark.parametrize("text", ["[address]Ã\u28001947 and more", "555-0100&amp;[address]lt; now"])
def test_what_comes_together_is_mended(text: str, make_record: MakeRecord) -> None:
    chosen = Clean(contact="remove", min_words=1)
    (once,) = clean([make_record(text)], chosen, [], []).records
    (twice,) = clean([once], chosen, [], []).records
    assert twice.text == once.text
