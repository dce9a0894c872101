import pytest

from eval.report.gate import judge, parse_threshold
from eval.report.schema import Change, Report
from onbrand.errors import UsageError
from tests.eval.report.sample_report import generated, report_of


def changed(figure: str, value: float, low: float, high: float) -> Change:
    return Change(
        a="base",
        b="tuned",
        figure=figure,
        value=value,
        low=low,
        high=high,
        p_bootstrap=0.01,
        p_randomisation=0.01,
        visible=1.0,
        units=30,
    )


@pytest.fixture(scope="module")
def report() -> Report:
    made, _ = report_of(generated())
    changes = [changed("perplexity", -10, -14, -6), changed("rougeL", 0.1, -0.01, 0.2)]
    return made.model_copy(update={"changes": changes})


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        ("perplexity=5", True),
        ("perplexity=6", True),
        ("perplexity=7", False),  # 10 is found, but it may be as little as 6
        ("rougeL=0", False),  # the interval holds zero
        ("rougeL=-0.02", True),
    ],
)
def test_the_whole_interval_has_to_clear_the_threshold(
    report: Report, given: str, passes: bool
) -> None:
    [found] = judge(report, [parse_threshold(given)], "tuned", "base")
    assert found.passed is passes
    assert ("this sample can see" in found.sentence) is (given in ("perplexity=7", "rougeL=0"))


def test_equal_models_are_no_improvement(report: Report) -> None:
    same = report.model_copy(update={"changes": [changed("perplexity", 0.0, 0.0, 0.0)]})
    [found] = judge(same, [parse_threshold("perplexity=0")], "tuned", "base")
    assert not found.passed
    [found] = judge(same, [parse_threshold("perplexity=-1")], "tuned", "base")
    assert found.passed, "not much worse is what was asked for"


def test_the_other_direction(report: Report) -> None:
    [found] = judge(report, [parse_threshold("perplexity=-15")], "base", "tuned")
    assert (found.value, found.surely, found.passed) == (-10, -14, True)


@pytest.mark.parametrize("given", ["perplexity", "perplexity=much", "length_ratio=1", "x=1", ""])
def test_what_is_no_threshold(given: str) -> None:
    with pytest.raises(UsageError, match="is no threshold; give FIGURE=IMPROVEMENT"):
        parse_threshold(given)


def test_models_that_were_not_compared(report: Report) -> None:
    with pytest.raises(UsageError, match="does not compare other with base in perplexity"):
        judge(report, [parse_threshold("perplexity=1")], "other", "base")
