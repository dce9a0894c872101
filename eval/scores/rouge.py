"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum F1 (Lin, 2004), 0 to 1, equal to rouge-score's.

rouge-score's own tokenizer keeps a-z and 0-9 only; the words here are those of every script, and on
ASCII text the same. Its arithmetic is repeated operation by operation, so that the values are equal
to the last digit, and computed for all pairs at once.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.scores import lcs
from eval.scores.metric import Metric, Rows, mean
from eval.scores.ngrams import overlap
from eval.scores.words import words

_HOW = "tok:unicode-words-v1|case:lower|stem:no|stat:f1-mean"

ROUGE = {
    name: Metric(name, ("f1", "texts"), mean, how, ("rouge-score", "regex"))
    for name, how in {
        "rouge1": _HOW,
        "rouge2": _HOW,
        "rougeL": _HOW,
        "rougeLsum": f"{_HOW}|sentences:lines",
    }.items()
}


def rouge_rows(
    hypotheses: Sequence[str],
    references: Sequence[str],
    mine: Sequence[Sequence[str]],
    theirs: Sequence[Sequence[str]],
) -> dict[str, Rows]:
    """F1 of each pair of texts, by ROUGE's name; `mine` and `theirs` are the texts' `words`."""
    found = overlap(mine, theirs, 2)
    pairs = list(zip(theirs, mine, strict=True))
    longest = np.array([lcs.length(*pair) for pair in pairs], dtype=np.int64)
    by_lines = np.array(
        [
            # On one line each, the union of subsequences is the one subsequence there is.
            longest[index] if "\n" not in reference + hypothesis else _hits(reference, hypothesis)
            for index, (reference, hypothesis) in enumerate(
                zip(references, hypotheses, strict=True)
            )
        ],
        dtype=np.int64,
    )
    counts, totals = found.hypothesis, found.reference
    return {
        "rouge1": _rows(found.matches[:, 0], counts[:, 0], totals[:, 0]),
        "rouge2": _rows(found.matches[:, 1], counts[:, 1], totals[:, 1]),
        "rougeL": _rows(longest, counts[:, 0], totals[:, 0]),
        "rougeLsum": _rows(by_lines, counts[:, 0], totals[:, 0]),
    }


def _rows(
    matches: NDArray[np.int64], hypothesis: NDArray[np.int64], reference: NDArray[np.int64]
) -> Rows:
    """F1 as rouge-score computes it, and a 1 to count the text by."""
    precision = matches / np.maximum(hypothesis, 1)
    recall = matches / np.maximum(reference, 1)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return np.stack([f1, np.ones_like(f1)], axis=1)


def _hits(reference: str, hypothesis: str) -> int:
    """Words of the reference in the union of its lines' subsequences with the hypothesis' lines.

    A word counts at most as often as it occurs in either text (ROUGE 1.5.5).
    """
    theirs = [words(line) for line in reference.split("\n") if line]
    mine = [words(line) for line in hypothesis.split("\n") if line]
    left = Counter(word for line in mine for word in line) & Counter(
        word for line in theirs for word in line
    )
    hits = 0
    for line in theirs:
        union = {index for other in mine for index in lcs.indices(line, other)}
        for index in union:
            if left[line[index]] > 0:
                left[line[index]] -= 1
                hits += 1
    return hits
