"""Sponsored and shared posts, kept or dropped as configured."""

from collections.abc import Callable
from pathlib import Path

import pytest

from onbrand.config import Clean
from onbrand.record import Record
from scraper import raw
from scraper.clean.marks import read_marks
from scraper.clean.pipeline import Cleaned, clean
from scraper.clean.sources import post_records

TEXTS = {
    "plain": "We bake on every single morning of the year",
    "sponsored": "This month a tin of biscuits comes with two teas",
    "shared": "Look what our neighbours from the harbour cooked up",
}


@pytest.fixture
def cleaned(tmp_path: Path) -> Callable[..., Cleaned]:
    def cleaned(**settings: str) -> Cleaned:
        posts = [
            raw.Post(
                source="instagram", post_id=kind, url=f"https://x.invalid/{kind}", text=text,
                author="b", sponsored=kind == "sponsored", shared=kind == "shared",
            )
            for kind, text in TEXTS.items()
        ]  # fmt: skip
        raw.write_raw(tmp_path / raw.POSTS, posts)
        records: list[Record] = list(post_records(tmp_path))
        chosen = Clean.model_validate(settings)
        return clean(records, chosen, [], [], read_marks(tmp_path))

    return cleaned


def test_by_default_sponsored_posts_stay_and_shared_ones_go(
    cleaned: Callable[..., Cleaned],
) -> None:
    result = cleaned()
    assert {record.text for record in result.records} == {TEXTS["plain"], TEXTS["sponsored"]}
    (dropped,) = result.rejected
    assert dropped.step == "shared"
    assert dropped.reason == "it is marked as shared, and clean.shared is drop"


def test_both_ways_of_each(cleaned: Callable[..., Cleaned]) -> None:
    assert len(cleaned(shared="keep").records) == 3
    result = cleaned(shared="keep", sponsored="drop")
    assert [(item.step, item.record.text) for item in result.rejected] == [
        ("sponsored", TEXTS["sponsored"])
    ]
    counts = {step.step: step.dropped for step in result.steps}
    assert counts["sponsored"] == {"instagram": 1}
    assert counts["shared"] == {}
