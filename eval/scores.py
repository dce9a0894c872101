"""Overlap scores of continuations with the real second halves. No model is needed here.

Every function takes texts of the continuation alone; the half that was given is never part of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from eval.words import words, words_and_punctuation

ROUGE_TYPES = ("rouge1", "rouge2", "rougeL")


class _UnicodeTokenizer(Tokenizer):  # type: ignore[misc]
    """`words`, in the form that rouge-score takes."""

    def tokenize(self, text: str) -> list[str]:
        """Split a text into words."""
        return words(text)


_ROUGE = RougeScorer(list(ROUGE_TYPES), tokenizer=_UnicodeTokenizer())


@dataclass(frozen=True)
class Rouge:
    """F1 of one pair of texts, or the mean over many; 0 to 1."""

    rouge1: float
    rouge2: float
    rougeL: float  # noqa: N815  (the metric's name)


def bleu(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Corpus BLEU-4, 0 to 100 (Papineni et al., 2002), by nltk.

    Smoothing is nltk's method 3 (NIST's geometric sequence, sacrebleu's "exp"): it acts only on
    n-gram orders without any match in the whole corpus. nltk counts a text of fewer than four
    words as one miss for every n-gram order that it is too short for.
    """
    score = corpus_bleu(
        [[words_and_punctuation(reference)] for reference in references],
        [words_and_punctuation(hypothesis) for hypothesis in hypotheses],
        smoothing_function=SmoothingFunction().method3,
    )
    return 100.0 * float(score)


def rouge(reference: str, hypothesis: str) -> Rouge:
    """ROUGE-1, ROUGE-2 and ROUGE-L F1 of one pair (Lin, 2004), by rouge-score."""
    found = _ROUGE.score(reference, hypothesis)
    return Rouge(*(float(found[kind].fmeasure) for kind in ROUGE_TYPES))


def mean_rouge(pairs: Sequence[Rouge]) -> Rouge:
    """The mean over pairs, each counting the same."""
    return Rouge(*(sum(getattr(pair, kind) for pair in pairs) / len(pairs) for kind in ROUGE_TYPES))


def distinct_2(texts: Sequence[str]) -> float:
    """Different word pairs as a share of all word pairs, 0 to 1 (Li et al., 2016).

    Low means that the texts repeat themselves; 0 when no text has two words.
    """
    pairs = [pair for text in texts for pair in _bigrams(words(text))]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


def overlap(references: Sequence[str], continuations: Sequence[str]) -> dict[str, float]:
    """Every score that needs no model, by figure."""
    pairs = [
        rouge(reference, text) for reference, text in zip(references, continuations, strict=True)
    ]
    mean = mean_rouge(pairs)
    return {
        "bleu": bleu(references, continuations),
        "rouge1": mean.rouge1,
        "rouge2": mean.rouge2,
        "rougeL": mean.rougeL,
        "distinct_2": distinct_2(continuations),
    }


def _bigrams(tokens: list[str]) -> list[tuple[str, str]]:
    return list(pairwise(tokens))
