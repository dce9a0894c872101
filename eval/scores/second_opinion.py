"""The libraries whose scores these are, asked about a few texts in every run.

All counting here is done once for all texts. nltk, sacrebleu and rouge-score are therefore asked
about some of them, and must say the same: a version of one that counts otherwise is noticed before
its name stands in a signature.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import sacrebleu
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from eval.scores.bleu import BLEU_NLTK, BLEU_SACREBLEU
from eval.scores.chrf import CHRF
from eval.scores.metric import Metric, Rows
from eval.scores.rouge import ROUGE
from eval.scores.words import words, words_and_punctuation
from onbrand.errors import OnbrandError

ASKED = 20


class _UnicodeTokenizer(Tokenizer):  # type: ignore[misc]
    """`words`, in the form that rouge-score takes."""

    def tokenize(self, text: str) -> list[str]:
        """Split a text into words."""
        return words(text)


def ask_libraries(
    hypotheses: Sequence[str], references: Sequence[str], rows: Mapping[str, Rows]
) -> None:
    """Compare the scores of the first twenty pairs with the libraries' own.

    Raises:
        OnbrandError: one differs by more than rounding.
    """
    rouge = RougeScorer(list(ROUGE), tokenizer=_UnicodeTokenizer())
    chrf = sacrebleu.CHRF()
    bleu = sacrebleu.BLEU(tokenize="none", force=True)
    smoothing = SmoothingFunction().method3

    def nltk_bleu(hypothesis: str, reference: str) -> float:
        mine, theirs = words_and_punctuation(hypothesis), words_and_punctuation(reference)
        return 100 * float(corpus_bleu([[theirs]], [mine], smoothing_function=smoothing))

    def sacrebleus(hypothesis: str, reference: str) -> float:
        mine, theirs = (" ".join(words_and_punctuation(t)) for t in (hypothesis, reference))
        return float(bleu.corpus_score([mine], [[theirs]]).score)

    opinions: list[tuple[str, Metric, Callable[[str, str], float]]] = [
        ("nltk", BLEU_NLTK, nltk_bleu),
        ("sacrebleu", BLEU_SACREBLEU, sacrebleus),
        ("sacrebleu", CHRF, lambda mine, theirs: chrf.corpus_score([mine], [[theirs]]).score),
    ]
    for place, pair in enumerate(zip(hypotheses[:ASKED], references[:ASKED], strict=True)):
        for library, metric, ask in opinions:
            _compare(library, metric, rows[metric.name][place], ask(*pair))
        theirs = rouge.score(pair[1], pair[0])
        for name, metric in ROUGE.items():
            _compare("rouge-score", metric, rows[name][place], theirs[name].fmeasure)


def _compare(library: str, metric: Metric, row: Rows, theirs: float) -> None:
    ours = metric.value(row.tolist())
    if not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12):
        raise OnbrandError(
            f"{library} finds {metric.name} of a text to be {theirs}, and Onbrand {ours}: the "
            f"installed version of {library} counts otherwise; install the one in constraints.txt."
        )
