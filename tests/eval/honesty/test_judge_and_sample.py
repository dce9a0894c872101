import random

import numpy as np

from eval.honesty import Verdict, null_rows, preferred_place, sample_too_small
from eval.scores import METRICS
from eval.statistics import Comparison, Difference
from eval.texts import Text


def judged(pairs: int, bias: float, seed: int) -> list[Verdict]:
    """A judge that names the first place with probability `bias`, otherwise the better text."""
    chance = random.Random(seed)
    verdicts = []
    for _ in range(pairs):
        better_first = chance.random() < 0.5
        first = "first" if chance.random() < bias or better_first else "second"
        reverse = "first" if chance.random() < bias or not better_first else "second"
        verdicts.append(Verdict(first, reverse))  # type: ignore[arg-type]
    return verdicts


def test_a_judge_that_prefers_the_first_answer() -> None:
    alarm = preferred_place(judged(60, 0.5, seed=1))
    assert alarm is not None
    assert alarm.fault == "judge prefers the first answer"
    assert "and the other one for 0" in alarm.sentence


def test_a_judge_that_prefers_the_second_answer() -> None:
    mirrored = {"first": "second", "second": "first"}
    verdicts = [
        Verdict(mirrored[v.in_order], mirrored[v.in_reverse])  # type: ignore[arg-type]
        for v in judged(60, 0.5, seed=1)
    ]
    alarm = preferred_place(verdicts)
    assert alarm is not None
    assert alarm.fault == "judge prefers the second answer"


def test_a_judge_that_never_says_anything_else_is_named_on_few_texts() -> None:
    always = Verdict("first", "first")
    alarm = preferred_place([always] * 4)
    assert alarm is not None
    assert alarm.fault == "judge prefers the first answer"
    assert preferred_place([always] * 2) is None
    assert preferred_place([always] * 4 + [Verdict("first", "second")]) is None


def test_fair_judges_are_left_alone() -> None:
    assert preferred_place(judged(60, 0.0, seed=1)) is None
    assert preferred_place([Verdict("tie", "tie")] * 60) is None
    assert preferred_place([]) is None
    coin = random.Random(1)
    places = ("first", "second")
    alarms = [
        preferred_place([Verdict(coin.choice(places), coin.choice(places)) for _ in range(60)])  # type: ignore[arg-type]
        for _ in range(200)
    ]
    assert sum(alarm is not None for alarm in alarms) <= 6  # one in a hundred, by chance


def compared(units: int, truth: float) -> Difference:
    values = np.random.default_rng(1).normal(size=(2, units))
    rows = [np.stack([row, np.ones(units)], axis=1) for row in (values[0], values[1] + truth)]
    names = [str(number) for number in range(units)]
    return Comparison(names, seed=1).difference(METRICS["rouge1"], *rows)


def test_a_sample_too_small_for_its_claim() -> None:
    small = sample_too_small("ROUGE-1", compared(40, 0.1))
    assert small is not None
    assert small.fault == "sample too small for its claim"
    assert "40 documents can see a difference of at least 0." in small.sentence
    assert sample_too_small("ROUGE-1", compared(40, 3.0)) is None


def test_a_handful_of_documents_carries_no_claim_at_all() -> None:
    alarm = sample_too_small("ROUGE-1", compared(8, 5.0))
    assert alarm is not None
    assert "8 documents are too few" in alarm.sentence


def test_null_rows() -> None:
    train = [Text(str(n), str(n), f"second half {n}") for n in range(30)]
    rows = null_rows(["one", "two", "three"], train, seed=1)
    assert rows["echo"] == ["one", "two", "three"]
    assert rows["empty"] == ["", "", ""]
    assert all(text.startswith("second half") for text in rows["another"])
    assert rows == null_rows(["one", "two", "three"], train, seed=1)
    assert rows["another"] != null_rows(["one", "two", "three"], train, seed=2)["another"]
    assert set(null_rows(["one"], [], seed=1)) == {"echo", "empty"}
