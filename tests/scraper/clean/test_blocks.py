from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from onbrand.record import Record, record_id
from scraper.clean.blocks import remove_repeated_blocks
from scraper.clean.rejected import Sieve

MakeRecord = Callable[..., Record]


def clean(records: list[Record], share: float = 0.3, site: str = "s") -> tuple[list[str], Sieve]:
    sieve = Sieve()
    kept = remove_repeated_blocks(records, share, lambda record: site, sieve)
    return [record.text for record in kept], sieve


def test_headers_and_footers_go_and_what_is_a_pages_own_stays(make_record: MakeRecord) -> None:
    header, footer = "Home Shop", "© 2024 Brand\nPhone: 021-35063891"
    pages = [
        make_record(f"{header}\n\nOnly on page {n}\n\n{footer if n else footer.upper()}", str(n))
        for n in range(4)
    ]
    texts, sieve = clean(pages)
    assert texts == [f"Only on page {n}" for n in range(4)]
    assert sieve.rejected == []


def test_a_page_with_nothing_of_its_own_is_dropped(make_record: MakeRecord) -> None:
    pages = [make_record(f"Menu\n{text}", str(n)) for n, text in enumerate(["a", "b", "", "c"])]
    texts, sieve = clean(pages)
    assert texts == ["a", "b", "c"]
    assert [(r.step, r.record.text) for r in sieve.rejected] == [("repeated-blocks", "Menu\n")]


def test_the_share_and_the_three_pages_are_needed(make_record: MakeRecord) -> None:
    two = [make_record(f"Menu\n{n}", str(n)) for n in range(2)]
    assert clean(two)[0] == ["Menu\n0", "Menu\n1"]
    few = [make_record(f"top {n}\n{'Menu' if n < 3 else n}\nown {n}", str(n)) for n in range(11)]
    assert clean(few)[0][0] == "top 0\nMenu\nown 0"  # 3 of 11 pages are less than 0.3
    assert clean(few, share=0.25)[0][0] == "top 0\nown 0"


def test_half_the_share_is_enough_for_what_always_begins_or_ends_a_page(
    make_record: MakeRecord,
) -> None:
    footer = ["© {} Brand. All rights reserved.", "Made by us"]
    texts = [f"Head\nText {n}\nOrder now\nEnd {n}\n" + "\n".join(footer).format(2020 + n)
             for n in range(5)]  # fmt: skip
    texts += [f"Order now\nText {n}\nSee you" for n in range(5, 7)]
    pages = [make_record(text, str(n)) for n, text in enumerate(texts)]
    pages += [make_record(f"Text {n}", str(n)) for n in range(7, 29)]
    kept, _ = clean(pages)
    assert kept[0] == "Text 0\nOrder now\nEnd 0"  # within a page 7 of 29 are not enough
    assert kept[5] == "Order now\nText 5\nSee you"  # two pages never are


def test_what_repeats_once_pages_of_nothing_else_are_gone_goes_too(make_record: MakeRecord) -> None:
    pages = [make_record(f"Menu\nTop {n}\n{'Sale' if n < 3 else n}\nOwn {n}", str(n))
             for n in range(10)]  # fmt: skip
    texts, sieve = clean([*pages, make_record("Menu", "only")])
    assert texts[0] == "Top 0\nOwn 0"
    assert [r.record.text for r in sieve.rejected] == ["Menu"]


def test_one_page_under_three_addresses_keeps_its_words(make_record: MakeRecord) -> None:
    pages = [make_record("Welcome\nto us", str(n)) for n in range(3)]
    pages += [make_record(f"page {n}", f"p{n}") for n in range(4)]
    assert clean(pages)[0][:3] == ["Welcome\nto us"] * 3


def test_records_of_no_site_are_left_alone(make_record: MakeRecord) -> None:
    posts = [make_record(f"Same line\n{n}", str(n)) for n in range(9)]
    assert clean(posts, site="")[0] == [post.text for post in posts]


@given(
    st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5), max_size=9),
    st.floats(0.05, 1),
)
def test_only_lines_on_enough_pages_go(lines: list[list[str]], share: float) -> None:
    """A line on fewer than three pages is never lost, nor one on half the share of what is left;
    what is left has none that would go.
    """
    records = [
        Record(id=record_id("file", str(n)), source="file", url=f"file:{n}", text="\n".join(page))
        for n, page in enumerate(lines)
    ]
    sieve = Sieve()
    kept = {r.id: r for r in remove_repeated_blocks(records, share, lambda _: "s", sieve)}
    for record in records:
        rest = kept[record.id].text.split("\n") if record.id in kept else []
        for line in set(record.text.split("\n")):
            pages = sum(line in page for page in lines)
            if pages < max(
                3, share / 2 * len({frozenset(r.text.split("\n")) for r in kept.values()})
            ):
                assert line in rest
    again = remove_repeated_blocks(list(kept.values()), share, lambda _: "s", sieve)
    assert [record.text for record in again] == [record.text for record in kept.values()]
