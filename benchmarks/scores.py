"""Overlap scores and their bootstrap, beside nltk, sacrebleu and rouge-score in the same run.

    python benchmarks/scores.py [--pairs 1000] [--resamples 1000] [--naive 5]

The pairs are invented from a seed: English words by Zipf's law, 15 to 60 to a text, the hypothesis
sharing about a third of its reference. CPU seconds of one process, best of three; the values are
compared as well. The naive bootstrap, nltk's BLEU anew for every resample, is timed on a few
resamples and multiplied. Aims at 1,000 pairs: ROUGE-1/2/L below 0.5 s, and all metrics with 1,000
resamples below 2 s.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import sacrebleu
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.significance import PairedTest

from eval.scores import METRICS, overlap_rows, words, words_and_punctuation
from eval.scores.rouge import rouge_rows
from eval.statistics import Comparison

ROUGE = ["rouge1", "rouge2", "rougeL"]
_Any = TypeVar("_Any")


def pairs(count: int, seed: int) -> tuple[list[str], list[str], list[str]]:
    """References, and two models' hypotheses."""
    chance = random.Random(seed)
    vocabulary = [f"{a}{b}" for a in "bcdfghklmnprstvw" for b in ("a", "ent", "ing", "ou", "er")]
    weights = [1 / (rank + 3) for rank in range(len(vocabulary))]

    def text() -> list[str]:
        return chance.choices(vocabulary, weights, k=chance.randint(15, 60))

    references = [text() for _ in range(count)]
    first, second = (
        [
            [
                word if chance.random() < kept else other
                for word, other in zip(reference, chance.choices(vocabulary, k=60), strict=False)
            ]
            for reference in references
        ]
        for kept in (0.3, 0.35)
    )
    return tuple(  # type: ignore[return-value]
        [" ".join(tokens) + "." for tokens in texts] for texts in (references, first, second)
    )


def timed(name: str, work: Callable[[], _Any], times: int = 3) -> tuple[float, _Any]:
    """CPU seconds, the best of some turns, and what the work found."""
    seconds = []
    for _ in range(times):
        started = time.process_time()
        found = work()
        seconds.append(time.process_time() - started)
    print(f"{name:58} {min(seconds):8.3f} s", flush=True)
    return min(seconds), found


def main() -> None:
    """Measure, compare the values, print; the exit code says whether the aims were met."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--pairs", type=int, default=1000)
    options.add_argument("--resamples", type=int, default=1000)
    options.add_argument("--naive", type=int, default=5, help="resamples of the naive bootstrap")
    options.add_argument("--seed", type=int, default=7)
    asked = options.parse_args()
    references, one, other = pairs(asked.pairs, asked.seed)
    print(f"{asked.pairs} pairs, {asked.resamples} resamples, CPU seconds of one process")

    rouge_seconds, found = timed(
        "Onbrand, ROUGE-1/2/L/Lsum of each pair",
        lambda: rouge_rows(one, references, [*map(words, one)], [*map(words, references)]),
    )
    scorer = RougeScorer(ROUGE)
    peer_seconds, expected = timed(
        "rouge-score, ROUGE-1/2/L of each pair",
        lambda: [scorer.score(r, h) for r, h in zip(references, one, strict=True)],
    )
    for name in ROUGE:
        assert METRICS[name].scores(found[name]) == [score[name].fmeasure for score in expected]
    print(f"  equal to the last digit; {peer_seconds / rouge_seconds:.1f} times as fast")

    _, rows = timed("Onbrand, all metrics of one model", lambda: overlap_rows(one, references))
    tokens = [[words_and_punctuation(text) for text in texts] for texts in (one, references)]
    smoothing = SmoothingFunction().method3

    def nltk_bleu(chosen: list[int]) -> float:
        return float(
            corpus_bleu(
                [[tokens[1][i]] for i in chosen],
                [tokens[0][i] for i in chosen],
                smoothing_function=smoothing,
            )
        )

    _, nltk = timed("nltk, BLEU alone", lambda: nltk_bleu([*range(asked.pairs)]))
    assert METRICS["bleu"].score(rows["bleu"]) == 100 * nltk
    _, chrf = timed(
        "sacrebleu, chrF alone", lambda: sacrebleu.CHRF().corpus_score(one, [references]).score
    )
    assert METRICS["chrf"].score(rows["chrf"]) == chrf

    names = [str(number) for number in range(asked.pairs)]

    def everything() -> object:
        """From texts to differences with intervals and two tests, for all metrics."""
        comparison = Comparison(names, asked.seed, asked.resamples)
        return comparison.differences(
            overlap_rows(one, references), overlap_rows(other, references)
        )

    all_seconds, _ = timed(
        f"Onbrand, {len(rows)} metrics of two models, bootstrap and swaps", everything
    )
    chance = random.Random(asked.seed)
    naive_seconds, _ = timed(
        f"nltk, BLEU alone of one model, naive, {asked.naive} resamples",
        lambda: [
            nltk_bleu(chance.choices(range(asked.pairs), k=asked.pairs)) for _ in range(asked.naive)
        ],
        times=1,
    )
    naive = naive_seconds / asked.naive * asked.resamples
    print(
        f"  all {asked.resamples} would take {naive:.0f} s: {naive / all_seconds:.0f} times as long"
    )
    theirs = {"BLEU": sacrebleu.BLEU(), "chrF": sacrebleu.CHRF()}
    sacre_seconds, _ = timed(
        "sacrebleu, BLEU and chrF of two models, paired bootstrap",
        lambda: PairedTest(
            [("one", one), ("other", other)],
            theirs,
            [references],
            test_type="bs",
            n_samples=asked.resamples,
        )(),
        times=1,
    )
    print(f"  {sacre_seconds / all_seconds:.1f} times as long, for two metrics")
    met = rouge_seconds < 0.5 and all_seconds < 2
    print("aims met" if met else "aims missed")
    sys.exit(0 if met or asked.pairs != 1000 else 1)


if __name__ == "__main__":
    main()
