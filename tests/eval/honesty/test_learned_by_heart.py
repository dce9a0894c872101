"""Planted: a model that has seen the test texts, one that recites training, and honest ones."""

import pytest

from eval.honesty import (
    bleu_too_high,
    copies,
    memorised,
    tone_by_copying,
    trained_on_test,
)
from eval.honesty.copies import Copy
from eval.scores import overlap
from eval.statistics import Difference
from eval.texts import Text
from tests.conftest import needs_shared_data
from tests.eval.real_texts import agency, halves, sample

pytestmark = needs_shared_data


@pytest.fixture(scope="module")
def split() -> tuple[list[Text], list[Text]]:
    """Paragraphs of a real agency: training, and test from other documents."""
    documents = sorted({text.group for text in agency()})
    held_out = set(documents[::8])
    train = [text for text in agency() if text.group not in held_out]
    return train, sample([text for text in agency() if text.group in held_out], 60, seed=1)


def second_halves(texts: list[Text]) -> list[str]:
    return [halves(text.text)[1] for text in texts]


def recited(texts: list[Text], every: int) -> list[str]:
    """The texts' second halves, but for each `every`-th one only, and otherwise small talk."""
    return [
        half if number % every == 0 else f"and so we go on with number {number} of our list"
        for number, half in enumerate(second_halves(texts))
    ]


@pytest.mark.parametrize("every", [1, 4])
def test_a_model_that_was_trained_on_the_test_split(
    split: tuple[list[Text], list[Text]], every: int
) -> None:
    train, test = split
    outputs = recited(test, every)
    alarm = trained_on_test("tuned", outputs, second_halves(test), copies(outputs, train))
    assert alarm is not None
    assert alarm.fault == "trained on the test split"
    assert "texts tuned goes on with 8 or more words of the real second half" in alarm.sentence
    assert memorised("tuned", copies(outputs, train), copies(second_halves(test), train)) is None


def test_a_model_that_recites_training(split: tuple[list[Text], list[Text]]) -> None:
    train, test = split
    outputs = recited(sample(train, 60, seed=2), 3)
    copied = copies(outputs, train)
    real = second_halves(test)
    alarm = memorised("tuned", copied, copies(real, train))
    assert alarm is not None
    assert alarm.fault == "memorised"
    assert "33% of tuned's texts" in alarm.sentence
    assert trained_on_test("tuned", outputs, real, copied) is None


def test_the_brand_itself_raises_no_alarm(split: tuple[list[Text], list[Text]]) -> None:
    """Other real texts of the same people, in a model's place."""
    train, test = split
    honest, references = second_halves(test[:30]), second_halves(test[30:])
    copied, by_brand = copies(honest, train), copies(references, train)
    assert memorised("honest", copied, by_brand) is None
    assert trained_on_test("honest", honest, references, copied) is None
    assert bleu_too_high("honest", overlap(references, honest)["bleu"]) is None


def test_what_training_explains_is_not_held_against_the_test_split(
    split: tuple[list[Text], list[Text]],
) -> None:
    """A text that recurs word for word in training may be continued word for word."""
    train, test = split
    outputs = second_halves(test)
    assert trained_on_test("tuned", outputs, outputs, copies(outputs, train + test)) is None


def test_bleu_above_ten() -> None:
    alarm = bleu_too_high("tuned", 15.8)
    assert alarm is not None
    assert alarm.fault == "BLEU above 10"
    assert "tuned's BLEU is 15.8" in alarm.sentence
    assert bleu_too_high("tuned", 10.0) is None


def difference(value: float, half_width: float) -> Difference:
    return Difference(
        a=0,
        b=value,
        value=value,
        low=value - half_width,
        high=value + half_width,
        p_bootstrap=0.01,
        p_randomisation=0.01,
        visible=half_width * 1.4,
        units=60,
    )


def test_tone_that_rose_with_copying() -> None:
    long, short = Copy(30, 0.9, "…", "a"), Copy(3, 0.1, "…", "a")
    copied, base, brand = [long] * 20 + [short] * 20, [short] * 40, [long] + [short] * 39
    alarm = tone_by_copying("tuned", difference(60, 10), copied, base, brand)
    assert alarm is not None
    assert alarm.fault == "tone gained by copying"
    assert "50% of its texts" in alarm.sentence
    assert tone_by_copying("tuned", difference(60, 70), copied, base, brand) is None
    assert tone_by_copying("tuned", difference(60, 10), base, base, brand) is None
    assert tone_by_copying("tuned", difference(-60, 10), copied, base, brand) is None
