"""Something that makes a report's figures mean less than they seem to, or nothing."""

from dataclasses import dataclass
from typing import Literal

Fault = Literal[
    "near duplicates across the split",
    "trained on the test split",
    "tuned on another data set",
    "memorised",
    "BLEU above 10",
    "tone gained by copying",
    "prompt scored",
    "transposed references",
    "shuffled references",
    "right padding",
    "judge prefers the first answer",
    "judge prefers the second answer",
    "sample too small for its claim",
]


@dataclass(frozen=True)
class Alarm:
    """One fault, named, with the sentence that tells a reader what was seen."""

    fault: Fault
    sentence: str
