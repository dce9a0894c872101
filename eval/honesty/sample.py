"""Alarm about a sample that cannot carry what is said of it."""

from eval.honesty.alarm import Alarm
from eval.statistics.compare import Difference

FEW = 20
"""Documents below which a bootstrap interval is too narrow to be believed."""


def sample_too_small(what: str, claim: Difference) -> Alarm | None:
    """A difference that is claimed and cannot be told from none; `what` is the metric's name."""
    if claim.units < FEW:
        return Alarm(
            "sample too small for its claim",
            f"{claim.units} documents are too few for any claim about {what}; "
            f"intervals need {FEW} or more.",
        )
    if claim.is_seen:
        return None
    return Alarm(
        "sample too small for its claim",
        f"The difference in {what}, {claim.value:+.3g} (95%: {claim.low:.3g} to {claim.high:.3g}), "
        f"cannot be told from none: {claim.units} documents can see a difference of at least "
        f"{claim.visible:.2g}.",
    )
