import random

import pytest

from eval.honesty import leaked, leaks
from eval.honesty.leaks import LONG
from eval.texts import Text
from tests.conftest import needs_shared_data
from tests.eval.real_texts import agency, sample, tea_brand


def texts(*contents: str) -> list[Text]:
    return [Text(f"t{n}", f"t{n}", content) for n, content in enumerate(contents)]


POEM = "the kettle sings by the harbour wall and every cup is warm again when rain comes in at four"


def test_a_near_duplicate_is_found_with_what_it_is_like() -> None:
    train = texts("something else entirely about the ferry timetable", POEM)
    [leak] = leaks(train, texts(POEM.replace("four", "five").upper() + "!"))
    assert (leak.test_id, leak.train_id) == ("t0", "t1")
    assert 0.8 < leak.similarity < 1
    assert leak.shared_words == len(POEM.split()) - 1
    assert leak.shared == POEM.removesuffix(" four")
    assert leak.is_near_duplicate


def test_a_long_run_in_a_text_that_is_otherwise_its_own() -> None:
    shared = " ".join(POEM.split()[:LONG])
    other = "on monday we open late because the baker has gone fishing with his two daughters"
    test = f"{shared} {other} and nobody knows when he will be back to light the oven for us"
    [leak] = leaks(texts(POEM), texts(test))
    assert not leak.is_near_duplicate
    assert leak.shared_words == LONG
    assert leaks(texts(POEM), texts(test.replace("harbour", "station"))) == []


def test_nothing_shared_nothing_found() -> None:
    assert leaks([], texts(POEM)) == leaks(texts(POEM), []) == []
    assert leaks(texts("Tea."), texts(POEM, "")) == []


def test_the_alarm_names_how_bad_it_is() -> None:
    train = texts(*(f"{POEM} number {number} of many" for number in range(3)))
    found = leaks(train, texts(f"{POEM} number 7 of many"))
    assert leaked(found, 10).fault == "near duplicates across the split"  # type: ignore[union-attr]
    assert leaked(found, 1).fault == "trained on the test split"  # type: ignore[union-attr]
    assert leaked([], 10) is None


@needs_shared_data
def test_a_random_split_of_a_real_brand_leaks() -> None:
    """A third of the test texts; of an agency's blog, where posts do not recur, hardly any."""
    posts = tea_brand()
    test = sample(posts, len(posts) // 10, seed=1)
    train = [post for post in posts if post not in test]
    found = [leak for leak in leaks(train, test) if leak.is_near_duplicate]
    assert 0.2 < len(found) / len(test) < 0.5

    chance = random.Random(1)
    documents = sorted({text.group for text in agency()})
    held_out = set(chance.sample(documents, len(documents) // 10))
    blog = [[t for t in agency() if (t.group in held_out) is side] for side in (False, True)]
    assert len(leaks(*blog)) / len(blog[1]) < 0.1


@pytest.mark.parametrize("count", [1, 2])
def test_short_texts_are_no_duplicates_of_everything(count: int) -> None:
    short = " ".join(["tea"] * count)
    assert leaks(texts(short), texts(short)) == []
