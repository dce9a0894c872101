"""From single choices to a preference between two rows, with what length alone would explain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binomtest

from eval.generate.stage_files import Generated, Verdict
from eval.report.schema import PreferenceRow
from eval.scores import words
from eval.scores.metric import Metric, mean
from eval.statistics import Comparison

Winner = Literal["a", "b", "tie"]

_SHARE = Metric("preference", ("b", "items"), mean, "ties:half")
_WORTH: dict[Winner, float] = {"a": 0.0, "tie": 0.5, "b": 1.0}


@dataclass(frozen=True)
class Decided:
    """One pair of texts and which of them was preferred."""

    id: str
    group: str
    winner: Winner
    text_a: str
    text_b: str


def preference(
    by: str, a: str, b: str, decided: Sequence[Decided], seed: int, first_answers: float | None
) -> PreferenceRow:
    """Count, with an interval over source documents and a sign test over what was decided."""
    wins = [pair.winner for pair in decided]
    a_wins, b_wins = wins.count("a"), wins.count("b")
    longer = [_longer(pair) for pair in decided]
    judged = [(pair.winner, by_length) for pair, by_length in zip(decided, longer, strict=True)]
    clear = [
        winner == by_length for winner, by_length in judged if "tie" not in (winner, by_length)
    ]
    rows = np.array([[_WORTH[winner], 1.0] for winner in wins])
    share = Comparison([pair.group for pair in decided], seed).interval(_SHARE, rows)
    return PreferenceRow(
        by=by,
        a=a,
        b=b,
        items=len(decided),
        a_wins=a_wins,
        b_wins=b_wins,
        ties=wins.count("tie"),
        share_b=share.value,
        low=share.low,
        high=share.high,
        p=float(binomtest(b_wins, a_wins + b_wins).pvalue) if a_wins + b_wins else 1.0,
        first_answers=first_answers,
        longer_share_b=sum(_WORTH[winner] for winner in longer) / len(longer),
        longer_agreement=sum(clear) / len(clear) if clear else None,
    )


def judged(generated: Generated) -> list[PreferenceRow]:
    """The preference of every judge between every two models it was asked about."""
    pairs = dict.fromkeys((verdict.judge, verdict.a, verdict.b) for verdict in generated.verdicts)
    shown = {
        card.name: {output.id: output.shown for output in generated.of(card.name)}
        for card in generated.setup.models
    }
    groups = {text.id: text.group for text in generated.texts}
    rows = []
    for judge, a, b in pairs:
        own = [v for v in generated.verdicts if (v.judge, v.a, v.b) == (judge, a, b)]
        decided = [_decided(verdict, groups, shown) for verdict in own]
        first = _share_of_first(own)
        rows.append(preference(judge, a, b, decided, generated.setup.seed, first))
    return rows


def winner_of(verdict: Verdict) -> Winner:
    """Who was preferred in both orders; anything else is a tie."""
    answers = (verdict.a_first, verdict.b_first)
    if answers == ("first", "second"):
        return "a"
    return "b" if answers == ("second", "first") else "tie"


def _decided(
    verdict: Verdict, groups: Mapping[str, str], shown: Mapping[str, Mapping[str, str]]
) -> Decided:
    return Decided(
        id=verdict.id,
        group=groups[verdict.id],
        winner=winner_of(verdict),
        text_a=shown[verdict.a][verdict.id],
        text_b=shown[verdict.b][verdict.id],
    )


def _share_of_first(verdicts: Iterable[Verdict]) -> float | None:
    answers = [answer for verdict in verdicts for answer in (verdict.a_first, verdict.b_first)]
    placed = [answer for answer in answers if answer != "neither"]
    return placed.count("first") / len(placed) if placed else None


def _longer(pair: Decided) -> Winner:
    """Who would win if the text with more words always did."""
    a, b = len(words(pair.text_a)), len(words(pair.text_b))
    return "tie" if a == b else "a" if a > b else "b"
