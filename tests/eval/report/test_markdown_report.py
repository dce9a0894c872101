import pytest

from eval.report.figures import FIGURES, change_percent, show_change, show_p
from eval.report.markdown import render_page
from eval.report.schema import Report, Sample
from tests.eval.report.sample_report import generated, report_of


@pytest.fixture(scope="module")
def made() -> tuple[Report, list[Sample]]:
    return report_of(generated())


def test_three_best_and_three_worst_and_none_twice(made: tuple[Report, list[Sample]]) -> None:
    page = render_page(*made)
    _, samples = made
    best, worst = page.split("## Closest")[1].split("## Furthest")
    ranked = sorted(samples, key=lambda s: s.rows["tuned"].scores["rougeL"])
    for sample in ranked[-3:]:
        assert f"`{sample.id}`" in best
    for sample in ranked[:3]:
        assert f"`{sample.id}`" in worst.partition("## How")[0]
    assert best.count("ROUGE-L): ") == worst.count("ROUGE-L): ") == 3


def test_a_single_sample_is_shown_once(made: tuple[Report, list[Sample]]) -> None:
    report, samples = made
    assert render_page(report, samples[:1]).count("`post-0`:") == 1


def test_the_summary_and_the_tables_hold_the_figures(made: tuple[Report, list[Sample]]) -> None:
    report, samples = made
    page = render_page(report, samples)
    for figure in FIGURES:
        assert f"| {figure.label} | {figure.show(report.value('base', figure.key))} |" in page
        change = report.change("base", "tuned", figure.key)
        assert change is not None
        assert figure.show_difference(change.low) in page
        assert show_p(change.p_bootstrap) in page
    assert "Left out as too short to split: 1 (`post-99`)" in page
    for alarm in report.alarms:
        assert f"**{alarm.fault}.**" in page


def test_texts_cannot_break_the_page() -> None:
    page = render_page(*report_of(generated(6)))
    assert "\\<script\\>alert(1)" in page
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
