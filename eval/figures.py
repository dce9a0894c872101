"""The figures of a report: what each is called, how it is written and what it means."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    key: str
    label: str
    digits: int
    lower_is_better: bool
    meaning: str
    """For a reader who has never seen it."""

    def show(self, value: float | None) -> str:
        """The value as it is printed; a dash where there is none."""
        return "–" if value is None else f"{value:,.{self.digits}f}"


FIGURES = (
    Figure(
        "perplexity",
        "Perplexity",
        1,
        True,
        "How surprised the model is by what the brand really wrote next: roughly, among how many "
        "words it wavers at each step. Lower is better.",
    ),
    Figure(
        "perplexity_no_hashtags",
        "Perplexity, no hashtags",
        1,
        True,
        "The same with hashtags removed from the texts. Hashtags repeat from post to post and are "
        "easily learned; this line shows what remains without them. Lower is better.",
    ),
    Figure(
        "bleu",
        "BLEU (0–100)",
        2,
        False,
        "How many runs of one to four words the model's continuation shares with the real one. "
        "Free writing can go on in many right ways, so 1 to 5 is usual; above 10, look for texts "
        "that were learned by heart. Higher is closer.",
    ),
    Figure(
        "rouge1",
        "ROUGE-1 (0–1)",
        3,
        False,
        "The share of single words that both continuations have in common. Higher is closer.",
    ),
    Figure(
        "rouge2",
        "ROUGE-2 (0–1)",
        3,
        False,
        "The share of pairs of neighbouring words in common. Higher is closer.",
    ),
    Figure(
        "rougeL",
        "ROUGE-L (0–1)",
        3,
        False,
        "The share of words in common that also come in the same order. Higher is closer.",
    ),
    Figure(
        "distinct_2",
        "Distinct-2 (0–1)",
        3,
        False,
        "How varied the writing is: different word pairs among all word pairs. "
        "Near 0, the model repeats itself.",
    ),
)
"""In the order of the table."""


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
