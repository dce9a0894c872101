"""Alarm about a judge that looks at the order of two answers instead of the answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.stats import binomtest

from eval.honesty.alarm import Alarm

_FEWEST = 3

Place = Literal["first", "second", "tie"]


@dataclass(frozen=True)
class Verdict:
    """Which place a judge preferred, asked about one pair in both orders."""

    in_order: Place
    in_reverse: Place


def preferred_place(verdicts: Sequence[Verdict]) -> Alarm | None:
    """A judge that says "first", or "second", in both orders more often than the other (at 1%).

    A judge without preference that is torn between two answers errs to either side alike. A judge
    that has never said anything else is named from three pairs on, which no test could see.
    """
    first = sum(v.in_order == v.in_reverse == "first" for v in verdicts)
    second = sum(v.in_order == v.in_reverse == "second" for v in verdicts)
    torn = first + second
    always = len(verdicts) >= _FEWEST and len(verdicts) in (first, second)
    if not torn or (not always and binomtest(first, torn).pvalue >= 0.01):
        return None
    place: Literal["first", "second"] = "first" if first > second else "second"
    return Alarm(
        "judge prefers the first answer" if place == "first" else "judge prefers the second answer",
        f"The judge chose the {place} answer in both orders for {max(first, second)} of "
        f"{len(verdicts)} pairs, and the other one for {min(first, second)}: it looks at the "
        "order. These pairs count as ties.",
    )
