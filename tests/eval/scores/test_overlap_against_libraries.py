"""The very values of nltk, sacrebleu and rouge-score, to the last digit, on 10,000 ASCII pairs."""

import pytest
import sacrebleu
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu
from rouge_score.rouge_scorer import RougeScorer

from eval.scores import METRICS, Rows, overlap_rows, words_and_punctuation

Pairs = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def rows(ascii_pairs: Pairs) -> dict[str, Rows]:
    return overlap_rows(*ascii_pairs)


@pytest.mark.slow
def test_rouge_is_rouge_scores_own(ascii_pairs: Pairs, rows: dict[str, Rows]) -> None:
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    theirs = RougeScorer(names)
    found = {name: METRICS[name].scores(rows[name]) for name in names}
    for index, (hypothesis, reference) in enumerate(zip(*ascii_pairs, strict=True)):
        expected = theirs.score(reference, hypothesis)
        for name in names:
            assert found[name][index] == expected[name].fmeasure, (hypothesis, reference)
    assert 0.1 < METRICS["rougeL"].score(rows["rougeL"]) < 0.9
    assert rows["rougeLsum"].sum() != rows["rougeL"].sum()


@pytest.mark.slow
def test_bleu_is_nltks_own(ascii_pairs: Pairs, rows: dict[str, Rows]) -> None:
    smoothing = SmoothingFunction().method3
    mine, theirs = ([words_and_punctuation(text) for text in texts] for texts in ascii_pairs)
    each = METRICS["bleu"].scores(rows["bleu"])
    for index, (hypothesis, reference) in enumerate(zip(mine, theirs, strict=True)):
        expected = corpus_bleu([[reference]], [hypothesis], smoothing_function=smoothing)
        assert each[index] == 100.0 * expected, (hypothesis, reference)
    together = corpus_bleu(
        [[reference] for reference in theirs], mine, smoothing_function=smoothing
    )
    assert METRICS["bleu"].score(rows["bleu"]) == 100.0 * together
    assert 1 < 100.0 * together < 99


@pytest.mark.slow
def test_bleu_is_sacrebleus_own(ascii_pairs: Pairs, rows: dict[str, Rows]) -> None:
    theirs = sacrebleu.BLEU(tokenize="none", force=True)
    hypotheses, references = (
        [" ".join(words_and_punctuation(text)) for text in texts] for texts in ascii_pairs
    )
    metric = METRICS["bleu_sacrebleu"]
    each = metric.scores(rows["bleu_sacrebleu"])
    for index, (hypothesis, reference) in enumerate(zip(hypotheses, references, strict=True)):
        assert each[index] == theirs.corpus_score([hypothesis], [[reference]]).score
    assert (
        metric.score(rows["bleu_sacrebleu"]) == theirs.corpus_score(hypotheses, [references]).score
    )


@pytest.mark.slow
def test_chrf_is_sacrebleus_own(ascii_pairs: Pairs, rows: dict[str, Rows]) -> None:
    theirs = sacrebleu.CHRF()
    each = METRICS["chrf"].scores(rows["chrf"])
    for index, (hypothesis, reference) in enumerate(zip(*ascii_pairs, strict=True)):
        assert each[index] == theirs.corpus_score([hypothesis], [[reference]]).score
    hypotheses, references = ascii_pairs
    together = theirs.corpus_score(hypotheses, [references]).score
    assert METRICS["chrf"].score(rows["chrf"]) == together


def test_nltk_and_sacrebleu_agree_where_no_text_is_too_short(ascii_pairs: Pairs) -> None:
    long_enough = [
        pair
        for pair in zip(*ascii_pairs, strict=True)
        if all(len(words_and_punctuation(text)) >= 4 for text in pair)
    ]
    assert len(long_enough) > 1000
    rows = overlap_rows(*(list(texts) for texts in zip(*long_enough, strict=True)))
    nltk, other = METRICS["bleu"].score(rows["bleu"]), METRICS["bleu_sacrebleu"].score(rows["bleu"])
    assert nltk == pytest.approx(other, rel=1e-12)
