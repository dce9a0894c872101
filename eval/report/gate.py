"""`onbrand eval gate`: is the improvement surely as large as it has to be?

Judged by the interval of the difference, never by the value: an improvement that chance could have
made clears nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eval.report.figures import BY_KEY, Figure
from eval.report.schema import Report
from onbrand.errors import UsageError

_THRESHOLD = re.compile(r"(\w+)=(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Threshold:
    """The smallest improvement that is asked for, in the figure's own unit."""

    figure: Figure
    least: float


@dataclass(frozen=True)
class Judged:
    """One threshold against a report."""

    threshold: Threshold
    value: float
    """The improvement: positive is better, whichever way the figure counts."""
    surely: float
    """The end of its interval that is worse."""
    visible: float

    @property
    def passed(self) -> bool:
        """Whether the whole interval clears the threshold."""
        least = self.threshold.least
        # Two equal models differ by exactly nothing, which is no improvement.
        return self.surely > least or self.surely == least != 0

    @property
    def sentence(self) -> str:
        """What was found."""
        figure = self.threshold.figure
        found = (
            f"{figure.label}: better by {figure.show_difference(self.value)}, surely by "
            f"{figure.show_difference(self.surely)}; {figure.show(self.threshold.least)} is asked"
            " for"
        )
        if self.passed:
            return f"{found}."
        reason = (
            f"this sample can see a difference of {figure.show(self.visible)} at least"
            if self.value >= self.threshold.least
            else "it is too little"
        )
        return f"{found}: {reason}."


def parse_threshold(given: str) -> Threshold:
    """`perplexity=5`: an improvement of at least 5.

    Raises:
        UsageError: it is no figure that can improve, or no number.
    """
    match = _THRESHOLD.fullmatch(given.strip())
    known = [figure.key for figure in BY_KEY.values() if figure.better != "neither"]
    if not match or match[1] not in known:
        raise UsageError(
            f"--min {given} is no threshold; give FIGURE=IMPROVEMENT, such as rougeL=0.01, with "
            f"one of {', '.join(known)}."
        )
    return Threshold(BY_KEY[match[1]], float(match[2]))


def judge(report: Report, thresholds: Sequence[Threshold], of: str, over: str) -> list[Judged]:
    """Every threshold against the difference from `over` to `of`.

    Raises:
        UsageError: the report does not compare the two, or not in that figure.
    """
    return [_judge(report, threshold, of, over) for threshold in thresholds]


def _judge(report: Report, threshold: Threshold, of: str, over: str) -> Judged:
    figure = threshold.figure
    forward, backward = report.change(over, of, figure.key), report.change(of, over, figure.key)
    if forward is not None:
        ends = (forward.value, forward.low, forward.high, forward.visible)
    elif backward is not None:
        ends = (-backward.value, -backward.high, -backward.low, backward.visible)
    else:
        raise UsageError(
            f"The report does not compare {of} with {over} in {figure.key}; it has "
            f"{', '.join(report.names)}."
        )
    value, low, high, visible = ends
    surely = min(figure.improvement(low), figure.improvement(high))
    return Judged(threshold, figure.improvement(value), surely, visible)
