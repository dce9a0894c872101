"""BLEU-4 (Papineni et al., 2002), 0 to 100, as nltk computes it and as sacrebleu does.

Both smooth in the same way: an n-gram order without any match in the whole corpus counts as half a
match, the next such order as a quarter (nltk's method 3, sacrebleu's "exp"). They differ in one
thing. nltk counts a text of fewer than n words as one missed n-gram, sacrebleu as none, so that
texts of fewer than four words lower nltk's figure.
"""

import math
from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from eval.scores.metric import Metric, Rows
from eval.scores.ngrams import overlap

ORDER = 4

_COLUMNS = (
    *(f"matches_{n}" for n in range(1, ORDER + 1)),
    *(f"ngrams_{n}" for n in range(1, ORDER + 1)),
    *(f"too_short_{n}" for n in range(1, ORDER + 1)),
    "hypothesis_words",
    "reference_words",
)


def bleu_rows(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Rows:
    """Counts of each pair of tokenized texts, for both BLEUs."""
    found = overlap(hypotheses, references, ORDER)
    lengths = np.stack([found.hypothesis[:, 0], found.reference[:, 0]], axis=1)
    too_short = found.hypothesis == 0
    return np.hstack([found.matches, found.hypothesis, too_short, lengths]).astype(np.float64)


def _nltk_bleu(sums: Sequence[float]) -> float:
    """`nltk.translate.bleu_score.corpus_bleu` with smoothing method 3, times 100."""
    matches, ngrams, too_short = sums[:4], sums[4:8], sums[8:12]
    mine, theirs = sums[12:]
    if matches[0] == 0:
        return 0.0
    logarithms = []
    unmatched = 0
    for matched, counted, missed in zip(matches, ngrams, too_short, strict=True):
        if matched == 0:
            unmatched += 1
            matched = 1 / 2**unmatched
        logarithms.append(0.25 * math.log(matched / (counted + missed)))
    brevity = 1.0 if mine > theirs else math.exp(1 - theirs / mine)
    return 100.0 * (brevity * math.exp(math.fsum(logarithms)))


def _sacrebleu(sums: Sequence[float]) -> float:
    """sacrebleu's own function, from counts to score."""
    counts = [int(value) for value in sums]
    return float(
        BLEU.compute_bleu(
            counts[:4], counts[4:8], counts[12], counts[13], smooth_method="exp"
        ).score
    )


BLEU_NLTK = Metric(
    "bleu",
    _COLUMNS,
    _nltk_bleu,
    "tok:unicode-words-v1+punctuation|case:mixed|order:4|smooth:nltk-method3",
    ("nltk", "regex"),
)
BLEU_SACREBLEU = Metric(
    "bleu_sacrebleu",
    _COLUMNS,
    _sacrebleu,
    "tok:unicode-words-v1+punctuation|case:mixed|order:4|smooth:exp|eff:no",
    ("sacrebleu", "regex"),
)
