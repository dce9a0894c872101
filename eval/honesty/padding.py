"""Alarm about padding: a prompt must go on in a batch as it does alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.honesty.alarm import Alarm

_COMPARED = 4
"""First tokens compared. Sums in another order may change a late token, hardly an early one."""


@dataclass(frozen=True)
class BatchCheck:
    """One prompt continued twice by the same model: in a batch, and alone."""

    padding: int
    """Padding that its row had in the batch, in tokens."""
    in_batch: Sequence[int]
    alone: Sequence[int]

    @property
    def differs(self) -> bool:
        """Whether the two begin differently."""
        return list(self.in_batch[:_COMPARED]) != list(self.alone[:_COMPARED])


def right_padding(model: str, checks: Sequence[BatchCheck]) -> Alarm | None:
    """Padded rows that go on otherwise than alone, while rows without padding do not.

    A causal model continues from the last place of its row. Where that is padding, it continues
    from nothing (`padding_side` must be "left").
    """
    padded = [check.differs for check in checks if check.padding > 0]
    full = [check.differs for check in checks if check.padding == 0]
    if not padded or sum(padded) <= len(padded) / 2:
        return None
    if full and sum(full) / len(full) >= sum(padded) / len(padded):
        return None  # Then it is not the padding.
    return Alarm(
        "right padding",
        f"{sum(padded)} of {len(padded)} prompts go on otherwise in a padded row of a batch than "
        f"alone ({model}; of {len(full)} rows without padding {sum(full)} do): the padding stands "
        "on the right, or is not masked.",
    )
