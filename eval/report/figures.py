"""The figures of a report: what each is called, how it is written and what it means."""

from dataclasses import dataclass
from typing import Literal

_WIDEST = 1e5


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    key: str
    label: str
    digits: int
    better: Literal["lower", "higher", "neither"]
    meaning: str
    """For a reader who has never seen it."""

    def show(self, value: float | None) -> str:
        """The value as it is printed; a dash where there is none."""
        return "–" if value is None else self._written(value).replace("-", "−")

    def show_difference(self, value: float) -> str:
        """The value with its sign."""
        shown = self._written(value, "+").replace("-", "−")
        return shown.lstrip("+−") if not any(digit in shown for digit in "123456789") else shown

    def _written(self, value: float, sign: str = "") -> str:
        """What no column is wide enough for, as a power of ten."""
        if abs(value) >= _WIDEST:
            return f"{value:{sign}.1e}"
        return f"{value:{sign},.{self.digits}f}"

    def improvement(self, difference: float) -> float:
        """A difference, positive where the second is better than the first."""
        return -difference if self.better == "lower" else difference


FIGURES = (
    Figure(
        "perplexity",
        "Perplexity",
        1,
        "lower",
        "How surprised the model is by what the brand really wrote next: roughly, among how many "
        "words it wavers at each step. Lower is better.",
    ),
    Figure(
        "perplexity_no_hashtags",
        "… no hashtags",
        1,
        "lower",
        "Perplexity with hashtags removed from the texts. Hashtags repeat from post to post and "
        "are easily learned; this line shows what remains without them. Lower is better.",
    ),
    Figure(
        "bits_per_byte",
        "Bits per byte",
        3,
        "lower",
        "The same surprise, divided by the length of the text instead of its number of tokens: the "
        "figure for comparing models that cut text into tokens differently. Lower is better.",
    ),
    Figure(
        "tone",
        "Tone",
        0,
        "higher",
        "How much drawn text sounds like the brand, as a classifier hears it that was trained on "
        "the brand, on the original model and on other people's writing: 0 is the original model, "
        "100 the brand's own held-out text. Higher is closer.",
    ),
    Figure(
        "chrf",
        "chrF (0–100)",
        1,
        "higher",
        "How many runs of one to six letters the continuation shares with the real one; fairer "
        "than BLEU to short texts and to languages with many endings. Higher is closer.",
    ),
    Figure(
        "bleu",
        "BLEU (0–100)",
        2,
        "higher",
        "How many runs of one to four words the model's continuation shares with the real one. "
        "Free writing can go on in many right ways, so 1 to 5 is usual; above 10, look for texts "
        "that were learned by heart. By nltk. Higher is closer.",
    ),
    Figure(
        "bleu_sacrebleu",
        "BLEU, sacrebleu",
        2,
        "higher",
        "The same as sacrebleu counts it, a second opinion that must not differ much.",
    ),
    Figure(
        "rouge1",
        "ROUGE-1 (0–1)",
        3,
        "higher",
        "The share of single words that both continuations have in common. Higher is closer.",
    ),
    Figure(
        "rouge2",
        "ROUGE-2 (0–1)",
        3,
        "higher",
        "The share of pairs of neighbouring words in common. Higher is closer.",
    ),
    Figure(
        "rougeL",
        "ROUGE-L (0–1)",
        3,
        "higher",
        "The share of words in common that also come in the same order. Higher is closer.",
    ),
    Figure(
        "rougeLsum",
        "ROUGE-Lsum (0–1)",
        3,
        "higher",
        "ROUGE-L line by line. Higher is closer.",
    ),
    Figure(
        "distinct_2",
        "Distinct-2 (0–1)",
        3,
        "neither",
        "How varied the writing is: different word pairs among all word pairs. "
        "Near 0, the model repeats itself.",
    ),
    Figure(
        "length_ratio",
        "Length (real = 1)",
        2,
        "neither",
        "Words written where the model may stop when it likes, for each word of the brand. In the "
        "other lines every continuation has the length of the real one.",
    ),
)
"""In the order of the table."""

BY_KEY = {figure.key: figure for figure in FIGURES}


def change_percent(before: float | None, after: float | None) -> float | None:
    """Change from `before` to `after`, per cent of `before`; None where that means nothing."""
    if not before or after is None:
        return None
    return 100.0 * (after - before) / before


def show_change(percent: float | None) -> str:
    """A change as it is printed."""
    if percent is None:
        return "–"
    return f"{percent:+.0f}%".replace("-", "−") if round(percent) else "0%"


def show_p(p: float) -> str:
    """A p as it is printed."""
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
