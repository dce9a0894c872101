"""Scores of continuations, as rows to sum. No model is needed here.

Every function takes texts of the continuation alone; the half that was given is never part of them.

    rows = overlap_rows(hypotheses, references)       # by metric, shape (texts, columns)
    METRICS["bleu"].score(rows["bleu"])               # of all texts together
    METRICS["rougeL"].scores(rows["rougeL"])          # of each by itself
"""

from collections.abc import Sequence

from eval.scores.bleu import BLEU_NLTK, BLEU_SACREBLEU, bleu_rows
from eval.scores.chrf import CHRF, chrf_rows
from eval.scores.likelihood import BITS_PER_BYTE, PERPLEXITY, likelihood_rows
from eval.scores.metric import Metric, Rows
from eval.scores.rouge import ROUGE, rouge_rows
from eval.scores.second_opinion import ask_libraries
from eval.scores.variety import DISTINCT, LENGTH, LENGTH_RATIO, distinct_rows, length_rows
from eval.scores.words import words, words_and_punctuation
from onbrand.errors import UsageError

__all__ = [
    "METRICS",
    "Metric",
    "Rows",
    "likelihood_rows",
    "overlap",
    "overlap_rows",
    "words",
    "words_and_punctuation",
]

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        PERPLEXITY,
        BITS_PER_BYTE,
        BLEU_NLTK,
        BLEU_SACREBLEU,
        CHRF,
        *ROUGE.values(),
        *DISTINCT.values(),
        LENGTH,
        LENGTH_RATIO,
    )
}
"""Every score by its name."""


def overlap_rows(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Rows]:
    """Rows of every metric that needs no model; hypothesis i is compared with reference i.

    Raises:
        UsageError: not one reference for each hypothesis, or lists of references instead of texts.
        OnbrandError: nltk, sacrebleu or rouge-score disagree.
    """
    _check_pairs(hypotheses, references)
    mine, theirs = [words(text) for text in hypotheses], [words(text) for text in references]
    bleu = bleu_rows(
        [words_and_punctuation(text) for text in hypotheses],
        [words_and_punctuation(text) for text in references],
    )
    rows = {
        "bleu": bleu,
        "bleu_sacrebleu": bleu,
        "chrf": chrf_rows(hypotheses, references),
        **rouge_rows(hypotheses, references, mine, theirs),
        **distinct_rows(mine),
        **length_rows(mine, theirs),
    }
    ask_libraries(hypotheses, references, rows)
    return rows


def overlap(references: Sequence[str], continuations: Sequence[str]) -> dict[str, float]:
    """Every score that needs no model, over all texts, by its name."""
    rows = overlap_rows(continuations, references)
    return {name: METRICS[name].score(found) for name, found in rows.items()}


def _check_pairs(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    for what, texts in (("hypotheses", hypotheses), ("references", references)):
        if not all(isinstance(text, str) for text in texts):
            raise UsageError(
                f"The {what} are not a list of texts. nltk wants a list of references for each "
                "text, sacrebleu a list of texts for each set of references; here it is one "
                "reference for each text."
            )
    if len(hypotheses) != len(references):
        raise UsageError(
            f"There are {len(hypotheses)} hypotheses and {len(references)} references; "
            "each text needs its own reference."
        )
