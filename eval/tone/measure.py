"""Tone: 0 is the base model, 100 is held-out text of the brand.

A classifier learns the brand's training texts from the base model's output and from other people's
writing, and judges texts of documents it has not seen. Its log-odds are shifted and stretched so
that the base model's texts average 0 and the brand's own held-out texts 100.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from eval.scores.metric import Metric, Rows
from eval.statistics.auc import Auc
from eval.statistics.compare import Comparison, Interval
from eval.texts import Text
from eval.tone.classifier import SIGNATURE, BrandClassifier, folds_by_group, texts_of
from eval.tone.pieces import at_most, pieces
from eval.tone.two_sample import told_apart
from onbrand.errors import UsageError

BASE = "base"

_MOST = 1000
"""Texts of the brand that the classifier learns from; more change little and take time."""
_MOST_OF_A_REGISTER = 200
_HALF_WAY = 50


def _rescaled(sums: Sequence[float]) -> float:
    mine, base, real = sums
    return 100 * (mine - base) / (real - base) if real != base else 0.0


TONE = Metric(
    "tone",
    ("log_odds", "base_log_odds", "real_log_odds"),
    _rescaled,
    f"{SIGNATURE}|scale:base-0-real-100",
    ("scikit-learn",),
)


@dataclass(frozen=True)
class Control:
    """Where somebody else's writing comes out, judged by a classifier that has seen none of it."""

    name: str
    tone: Interval
    texts: int


@dataclass(frozen=True)
class Tone:
    """What the classifier says of every model."""

    rows: dict[str, Rows]
    """By model, for `TONE`: to be used like the rows of any other metric."""
    controls: list[Control]
    real_spread: tuple[float, float]
    """Between which tones nine in ten of the brand's own held-out texts lie."""
    told_apart: dict[str, Auc]
    """By model: how well a classifier tells its texts from the real halves; 0.5 is chance."""
    is_valid: bool
    sentence: str
    """Why it is valid or not, for the report."""


@dataclass(frozen=True)
class _Scored:
    """Log-odds by a classifier that has seen none of the document."""

    models: dict[str, NDArray[np.float64]]
    real: NDArray[np.float64]
    registers: dict[str, Rows]


def measure_tone(
    train: Sequence[Text],
    real: Sequence[Text],
    models: Mapping[str, Sequence[Text]],
    registers: Mapping[str, Sequence[Text]],
    *,
    seed: int,
) -> Tone:
    """Measure `models`, of which one is "base".

    Args:
        train: second halves of the brand's training texts.
        real: second halves of its held-out texts.
        models: by name, what each model wrote in place of `real[i]`, in the same order and groups.
        registers: other people's writing (`built_in_registers() | read_registers(…)`).
        seed: decides folds and resamples.

    Raises:
        UsageError: there is nothing to learn from, or fewer than two documents to judge.
    """
    if not train or len({text.group for text in real}) < 2:
        raise UsageError(
            "Tone needs training texts of the brand and held-out texts from at least two documents."
        )
    length = int(median(len(text.text) for text in [*train, *real]))
    others = {
        name: at_most(list(pieces(texts, max(length, 1))), _MOST_OF_A_REGISTER, seed)
        for name, texts in registers.items()
    }
    scored = _score(at_most(train, _MOST, seed), real, models, others, seed)
    rows = {
        name: np.stack([odds, scored.models[BASE], scored.real], axis=1)
        for name, odds in scored.models.items()
    }
    controls = [
        Control(
            name,
            Comparison([text.group for text in others[name]], seed).interval(TONE, found),
            len(found),
        )
        for name, found in sorted(scored.registers.items())
    ]
    is_valid, sentence = _validity(scored, controls)
    return Tone(
        rows=rows,
        controls=controls,
        real_spread=_spread(scored),
        told_apart={name: told_apart(real, texts, seed) for name, texts in models.items()},
        is_valid=is_valid,
        sentence=sentence,
    )


def _score(
    train: Sequence[Text],
    real: Sequence[Text],
    models: Mapping[str, Sequence[Text]],
    registers: Mapping[str, Sequence[Text]],
    seed: int,
) -> _Scored:
    """Judge each fold's documents, and its registers, by a classifier without either."""
    folds = folds_by_group([text.group for text in real], seed)
    count = int(folds.max()) + 1
    odds = {name: np.zeros(len(real)) for name in models}
    real_odds = np.zeros(len(real))
    register_rows: dict[str, Rows] = {}
    for fold in range(count):
        inside = folds == fold
        documents = {text.group for text, asked in zip(real, inside, strict=True) if asked}
        # Not even a training text that a model repeats is recognised as one.
        repeated = {text for texts in models.values() for text in texts_of(texts, inside)}
        brand = [
            text.text for text in train if text.group not in documents and text.text not in repeated
        ]
        if not brand:
            raise UsageError("All training texts are of the very documents that are judged.")
        left_out = sorted(registers)[fold::count]
        classifier = BrandClassifier(
            brand,
            {
                BASE: texts_of(models[BASE], ~inside),
                **{
                    name: [text.text for text in texts]
                    for name, texts in registers.items()
                    if name not in left_out
                },
            },
        )
        real_odds[inside] = classifier.log_odds(texts_of(real, inside))
        for name, texts in models.items():
            odds[name][inside] = classifier.log_odds(texts_of(texts, inside))
        for name in left_out:
            found = classifier.log_odds([text.text for text in registers[name]])
            ends = [odds[BASE][inside].mean(), real_odds[inside].mean()]
            register_rows[name] = np.hstack([found[:, None], np.tile(ends, (len(found), 1))])
    return _Scored(odds, real_odds, register_rows)


def _spread(scored: _Scored) -> tuple[float, float]:
    base, real = scored.models[BASE].mean(), scored.real.mean()
    tones = [_rescaled([value, base, real]) for value in scored.real.tolist()]
    low, high = np.percentile(tones, [5, 95])
    return float(low), float(high)


def _validity(scored: _Scored, controls: Sequence[Control]) -> tuple[bool, str]:
    if scored.real.mean() <= scored.models[BASE].mean():
        return False, (
            "The classifier finds the base model's texts no less like the brand than the brand's "
            "own, so there is no scale to measure on."
        )
    if not controls:
        return False, (
            "Nothing but the base model's output stood against the brand, so the figure says how "
            "human a text is, not whose it is."
        )
    high = [control for control in controls if control.tone.value >= _HALF_WAY]
    if high:
        named = ", ".join(f"{control.name} ({control.tone.value:.0f})" for control in high)
        return False, (
            "Writing of others that the classifier has not seen comes out as the brand's: "
            f"{named}. The figure measures something that the brand shares with them."
        )
    highest = max(controls, key=lambda control: control.tone.value)
    return True, (
        f"Writing of others that the classifier has not seen stays at {highest.tone.value:.0f} or "
        f"below (highest: {highest.name})."
    )
