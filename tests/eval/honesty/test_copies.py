import pytest

from eval.honesty import copies, long_share
from eval.honesty.copies import LONG, Copy, copies_more
from eval.texts import Text
from tests.conftest import needs_shared_data
from tests.eval.real_texts import agency, halves

LINE = "Come in from the rain we saved you a seat beside the warm blue kettle"
TRAIN = [Text("a", "a", "Nothing to see here."), Text("b", "b", f"Ahoy! {LINE}, friends.")]


def copy(words: int) -> Copy:
    return Copy(words, 0.5, "…", "a")


def test_the_longest_copied_span_and_where_it_comes_from() -> None:
    [found, other, empty] = copies([f"Well. {LINE.upper()}!", "Nothing like it", ""], TRAIN)
    assert (found.words, found.train_id) == (15, "b")
    assert found.span == LINE.lower()
    assert found.share == pytest.approx(15 / 16)
    assert found.is_long
    assert (other.words, other.span, other.train_id) == (1, "nothing", "a")
    assert (empty.words, empty.share, empty.train_id) == (0, 0.0, "")


def test_every_script() -> None:
    train = [Text("u", "u", "ہر گھونٹ میں اُردو کی مٹھاس ہے")]
    assert copies(["بارش ہے، ہر گھونٹ میں اُردو کی مٹھاس"], train)[0].words == 6


def test_copying_more_is_a_matter_of_chance() -> None:
    long, short = copy(LONG), copy(LONG - 1)
    assert copies_more([long] * 10, [short] * 10)
    assert not copies_more([long] * 5 + [short] * 5, [short] * 10)  # five of five: p = 0.03
    assert not copies_more([long] * 10, [long] * 10)
    assert not copies_more([short] * 10, [long] * 10)
    assert not copies_more([long, short] * 20, [short, long] * 20)
    assert long_share([long, short]) == 0.5
    assert long_share([]) == 0.0


@needs_shared_data
def test_real_second_halves_hold_few_long_copies_of_other_documents() -> None:
    texts = agency()
    held_out = [text for text in texts if text.group < "content/posts/2015-06"]
    train = [text for text in texts if text not in held_out]
    assert 50 < len(held_out) < len(train)
    found = copies([halves(text.text)[1] for text in held_out], train)
    assert long_share(found) < 0.05
