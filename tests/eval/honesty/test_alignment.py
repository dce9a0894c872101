"""Planted: the prompt scored along, references swapped or in another order."""

import random

import pytest

from eval.honesty import prompt_scored, shuffled_references, transposed_references
from eval.scores import overlap
from tests.conftest import needs_shared_data
from tests.eval.real_texts import agency, halves, sample, tea_brand

pytestmark = needs_shared_data


@pytest.fixture(params=["agency", "tea brand"])
def cut(request: pytest.FixtureRequest) -> tuple[list[str], list[str]]:
    """First and second halves of sixty real texts."""
    texts = {"agency": agency, "tea brand": tea_brand}[request.param]()
    distinct = list({text.text: text for text in texts}.values())
    pairs = [halves(text.text) for text in sample(distinct, 60, seed=3)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def test_a_scored_prompt_is_named_and_would_have_scored_high(
    cut: tuple[list[str], list[str]],
) -> None:
    """As in the published evaluation: whole texts compared, where only the second half is new."""
    first, second = cut
    whole = [" ".join(pair) for pair in zip(first, second, strict=True)]
    says_nothing = [f"{half} " for half in first]
    assert overlap(whole, says_nothing)["rouge1"] > 0.5
    alarm = prompt_scored("tuned", says_nothing, first)
    assert alarm is not None
    assert alarm.fault == "prompt scored"
    assert prompt_scored("tuned", whole, first) is not None
    assert prompt_scored("tuned", second, first) is None
    assert prompt_scored("tuned", [""] * 60, first) is None


def test_transposed_references(cut: tuple[list[str], list[str]]) -> None:
    first, second = cut
    made = [half.upper() + " and more" for half in first]
    alarm = transposed_references("tuned", second, made, second)
    assert alarm is not None
    assert alarm.fault == "transposed references"
    assert transposed_references("tuned", made, second, second) is None
    assert transposed_references("real", second, second, second) is None


def test_a_shuffled_file_of_references(cut: tuple[list[str], list[str]]) -> None:
    first, second = cut
    assert shuffled_references(second, first, seed=1) is None
    assert shuffled_references(second, first, seed=1, second_halves=second) is None
    for seed in range(5):
        shuffled = random.Random(seed).sample(second, len(second))
        alarm = shuffled_references(shuffled, first, seed=1)
        assert alarm is not None
        assert alarm.fault == "shuffled references"
        exact = shuffled_references(shuffled, first, seed=1, second_halves=second)
        assert exact is not None
        assert "of 60 references are second halves of other" in exact.sentence


def test_off_by_one_line(cut: tuple[list[str], list[str]]) -> None:
    first, second = cut
    assert shuffled_references(second[1:] + second[:1], first, seed=1) is not None


def test_too_few_texts_to_tell_their_order(cut: tuple[list[str], list[str]]) -> None:
    first, second = cut
    assert shuffled_references(second[:10][::-1], first[:10], seed=1) is None
    assert shuffled_references(second[:10][::-1], first[:10], 1, second[:10]) is not None


def test_a_request_in_front_of_the_prompt_does_not_hide_it(
    cut: tuple[list[str], list[str]],
) -> None:
    """As where everything that a model returns is decoded, the request along with the rest."""
    first, _ = cut
    decoded = [f"user Write a post for our page. assistant {half} and so on" for half in first]
    alarm = prompt_scored("tuned", decoded, first)
    assert alarm is not None
    assert alarm.fault == "prompt scored"


def test_references_that_hold_the_prompt(cut: tuple[list[str], list[str]]) -> None:
    first, second = cut
    whole = [" ".join(pair) for pair in zip(first, second, strict=True)]
    made = ["nothing of the kind"] * len(first)
    alarm = prompt_scored("theirs", made, first, whole)
    assert alarm is not None
    assert alarm.fault == "prompt scored"
    assert prompt_scored("theirs", made, first, second) is None


def test_references_in_another_order_whose_spaces_were_taken_off(
    cut: tuple[list[str], list[str]],
) -> None:
    first, second = cut
    tidied = [" ".join(text.split()) for text in second]
    turned = tidied[1:] + tidied[:1]
    assert shuffled_references(tidied, first, 1, [f" {text}" for text in second]) is None
    assert shuffled_references(turned[:9], first[:9], 1, [f" {text}" for text in second[:9]])


def test_references_that_were_cut_elsewhere_in_another_order(
    cut: tuple[list[str], list[str]],
) -> None:
    first, second = cut
    theirs = [" ".join(text.split()[1:]) for text in second]
    assert shuffled_references(theirs, first, 1, second) is None
    assert shuffled_references(theirs[1:] + theirs[:1], first, 1, second) is not None
