import pytest

from eval.figures import change_percent, show_change
from eval.page import render_page
from eval.report import Data, Report, Sample, Score, changes
from eval.scores import overlap


def sample(number: int, tuned: str) -> Sample:
    reference = "the warm kettle by the quay"
    return Sample(
        id=f"post-{number}",
        source="facebook",
        tokens=6,
        first_half=f"First {number}",
        second_half=reference,
        base="|x| <script>alert(1)</script>\n# *b* #tag [l](http://x)",
        tuned=tuned,
        base_nll=30.0,
        tuned_nll=10.0,
        base_rougeL=0.0,
        tuned_rougeL=overlap([reference], [tuned])["rougeL"],
    )


SAMPLES = [
    sample(number, " ".join(["the", "warm", "kettle", "by", "the", "quay"][:number]))
    for number in range(7)
]


def report() -> Report:
    def row(perplexity: float, texts: list[str]) -> dict[str, Score]:
        values = overlap([s.second_half for s in SAMPLES], texts)
        scored = {key: Score(value=value, signature=f"{key}|x:1") for key, value in values.items()}
        return {"perplexity": Score(value=perplexity, signature="perplexity|x:1"), **scored}

    base, tuned = row(40, [s.base for s in SAMPLES]), row(10, [s.tuned for s in SAMPLES])
    return Report(
        created_at="2026-01-01T00:00:00+00:00",
        brand="Saltair",
        base_model="smollm2-135m",
        model_hashes={"base": "a", "tuned": "b"},
        data=Data(
            hash="c",
            items=7,
            tokens=42,
            too_short=["post-9"],
            items_no_hashtags=0,
            too_short_no_hashtags=[],
        ),
        scores={"base": base, "tuned": tuned, "echo": base},
        change_percent=changes(base, tuned),
        versions={},
    )


def test_three_best_and_three_worst_and_none_twice() -> None:
    page = render_page(report(), SAMPLES)
    best, worst = page.split("## Closest")[1].split("## Furthest")
    assert [number for number in range(7) if f"`post-{number}`" in best] == [4, 5, 6]
    assert [number for number in range(7) if f"`post-{number}`" in worst] == [0, 1, 2]


def test_a_single_sample_is_shown_once() -> None:
    assert render_page(report(), SAMPLES[:1]).count("`post-0`") == 1


def test_the_summary_and_the_table_hold_the_figures() -> None:
    page = render_page(report(), SAMPLES)
    assert "perplexity on these texts is 10.0; the original's is 40.0 (−75%)" in page
    assert "| Perplexity | 40.0 | 10.0 | −75% | 40.0 |" in page
    assert "no hashtags" not in page
    assert "Left out as too short to split: 1 (`post-9`)" in page


def test_texts_cannot_break_the_page() -> None:
    page = render_page(report(), SAMPLES)
    assert "<script>" not in page.replace("\\<script\\>", "")
    for line in page.splitlines():
        if line.startswith("| First"):
            assert len(line.replace("\\|", "").split("|")) == 6


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (40.0, 10.0, "−75%"),
        (2.0, 3.0, "+50%"),
        (300.0, 299.0, "0%"),
        (0.0, 1.0, "–"),
        (None, 1.0, "–"),
    ],
)
def test_changes(before: float | None, after: float, shown: str) -> None:
    assert show_change(change_percent(before, after)) == shown
