"""How varied and how long texts are, whatever they are compared with.

distinct-n (Li et al., 2016) is the number of different n-grams over that of all n-grams, of all
texts together, which is no sum over texts. But each occurrence of an n-gram that occurs c times can
count 1/c: the sum is the number of different ones, exactly. A resample keeps these shares as they
are; counting anew would call every text that a resample holds twice a repetition.
"""

from collections.abc import Sequence

import numpy as np

from eval.scores.metric import Metric, Rows, mean
from eval.scores.ngrams import encode, of_orders

DISTINCT = {
    name: Metric(
        name,
        ("different", "ngrams"),
        mean,
        "tok:unicode-words-v1|case:lower|stat:corpus",
        ("regex",),
    )
    for name in ("distinct_1", "distinct_2")
}

LENGTH = Metric(
    "length", ("words", "texts"), mean, "tok:unicode-words-v1|stat:mean-words", ("regex",)
)
LENGTH_RATIO = Metric(
    "length_ratio",
    ("words", "reference_words"),
    mean,
    "tok:unicode-words-v1|stat:corpus",
    ("regex",),
)


def distinct_rows(texts: Sequence[Sequence[str]]) -> dict[str, Rows]:
    """Each text's share of the corpus' different n-grams, and its n-grams, by the metric's name."""
    rows = {}
    for order, (grams, text) in enumerate(of_orders(*encode(texts), 2), start=1):
        share = 1 / np.bincount(grams) if len(grams) else np.zeros(0)
        different = np.bincount(text, weights=share[grams], minlength=len(texts))
        count = np.bincount(text, minlength=len(texts))
        rows[f"distinct_{order}"] = np.stack([different, count], axis=1).astype(np.float64)
    return rows


def length_rows(
    hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]
) -> dict[str, Rows]:
    """Words of each text, to be averaged, and to be compared with the reference's."""
    mine = np.array([len(text) for text in hypotheses], dtype=np.float64)
    theirs = np.array([len(text) for text in references], dtype=np.float64)
    return {
        "length": np.stack([mine, np.ones_like(mine)], axis=1),
        "length_ratio": np.stack([mine, theirs], axis=1),
    }
