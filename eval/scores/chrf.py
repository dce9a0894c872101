"""chrF2 (Popović, 2015), 0 to 100, as sacrebleu computes it.

Character n-grams of 1 to 6, without spaces. It needs no words, so it treats every script alike.
"""

from collections.abc import Sequence

import numpy as np

from eval.scores.metric import Metric, Rows
from eval.scores.ngrams import overlap

ORDER = 6
BETA = 2


def chrf_rows(hypotheses: Sequence[str], references: Sequence[str]) -> Rows:
    """For each order: hypothesis n-grams, reference n-grams, matches; shape (texts, 18)."""
    found = overlap(
        ["".join(text.split()) for text in hypotheses],
        ["".join(text.split()) for text in references],
        ORDER,
    )
    # As in sacrebleu: where the reference has none of an order, the hypothesis' do not count.
    counted = np.where(found.reference > 0, found.hypothesis, 0)
    columns = np.stack([counted, found.reference, found.matches], axis=2)
    return columns.reshape(len(hypotheses), 3 * ORDER).astype(np.float64)


def _chrf(sums: Sequence[float]) -> float:
    """F-beta of the precision and recall averaged over the orders that both texts have."""
    precision = recall = 0.0
    orders = 0
    for start in range(0, 3 * ORDER, 3):
        mine, theirs, matches = sums[start : start + 3]
        if mine > 0 and theirs > 0:
            precision += matches / mine
            recall += matches / theirs
            orders += 1
    if precision + recall == 0:
        return 0.0
    precision, recall = precision / orders, recall / orders
    factor = BETA**2
    score = (1 + factor) * precision * recall
    score /= (factor * precision) + recall
    return 100 * score


CHRF = Metric(
    "chrf",
    tuple(
        f"{what}_{n}" for n in range(1, ORDER + 1) for what in ("hypothesis", "reference", "match")
    ),
    _chrf,
    f"tok:characters|case:mixed|order:{ORDER}|beta:{BETA}|space:no|eff:yes",
    ("sacrebleu",),
)
