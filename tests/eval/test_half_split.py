from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from eval.half_split import MIN_TOKENS, HalfSplit, batches, half_split, items_hash, without_hashtags
from eval.held_out import HeldOutText
from eval.models.local import LocalModel
from eval.scores import overlap
from onbrand.chat_format import encode_prompt, encode_text
from onbrand.config import Brand
from onbrand.persona import system_prompt

BRAND = Brand(name="Saltair", persona="Warm and plain.")


def post(text: str, id_: str = "a", title: str = "") -> HeldOutText:
    return HeldOutText(id_, "facebook", title, text)


Split = Callable[..., HalfSplit]


@pytest.fixture(scope="session")
def split(tokenizer: PreTrainedTokenizerFast) -> Split:
    def split(*texts: str, max_tokens: int = 64) -> HalfSplit:
        posts = [post(text, str(number)) for number, text in enumerate(texts)]
        return half_split(posts, tokenizer, BRAND, max_tokens)

    return split


@given(st.text(min_size=8), st.integers(16, 64))
def test_the_halves_are_the_texts_own_ids(
    split: Split, tokenizer: PreTrainedTokenizerFast, text: str, max_tokens: int
) -> None:
    ids = encode_text(tokenizer, text)[:max_tokens]
    result = split(text, max_tokens=max_tokens)
    if len(ids) < MIN_TOKENS:
        assert result == HalfSplit([], ["0"])
        return
    [item] = result.items
    assert list(item.first_ids + item.second_ids) == ids
    assert 0 <= len(item.second_ids) - len(item.first_ids) <= 1
    assert result.tokens == len(item.second_ids)


def test_the_context_is_the_request_that_training_used_and_the_first_half(
    tokenizer: PreTrainedTokenizerFast, texts: list[str]
) -> None:
    [item] = half_split([post(texts[0], title="our kettle")], tokenizer, BRAND, 64).items
    prompt = encode_prompt(tokenizer, system_prompt(BRAND), "Tell me about our kettle.")
    assert list(item.context_ids) == prompt + list(item.first_ids)
    assert tokenizer.decode(prompt).endswith("<|im_start|>assistant\n")


def test_texts_too_short_are_listed_not_lost(split: Split, texts: list[str]) -> None:
    result = split("Hi.", texts[0], "")
    assert [item.id for item in result.items] == ["1"]
    assert result.too_short == ["0", "2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We love #tea today #chai", "We love today"),
        ("Tea first.\n\n#tea #چائے_وقت #हिन्दी #茶", "Tea first."),
        ("#saltair", ""),
        ("No. # 1 in town, C# too", "No. # 1 in town, C# too"),
        ("#a#b glued", "glued"),
    ],
)
def test_hashtags_are_removed_in_every_script(text: str, expected: str) -> None:
    assert without_hashtags(post(text)).text == expected


def test_the_data_hash_tells_orders_and_references_apart(split: Split, texts: list[str]) -> None:
    items = split(*texts[:3]).items
    assert items_hash(items) == items_hash(split(*texts[:3]).items)
    assert items_hash(items) != items_hash(items[::-1])
    assert items_hash(items) != items_hash(split(*texts[:3], max_tokens=16).items)


@given(st.integers(1, 10))
def test_batches_hold_every_item_once_longest_first(
    split: Split, texts: list[str], size: int
) -> None:
    items = split(*texts[:9]).items
    made = list(batches(items, size))
    assert sorted(item.id for batch in made for item in batch) == sorted(i.id for i in items)
    lengths = [len(item.second_ids) for batch in made for item in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_echoing_the_first_half_earns_nothing(split: Split, base_model: LocalModel) -> None:
    """The half that was given must not be scored along with the continuation."""
    letters, digits = "warm tea by the quay " * 3, "12 34 56 78 90 12 34 56 78 90 "
    twice = 2 * len(base_model.tokenizer(letters).input_ids)
    [item] = split(letters + digits * 9, max_tokens=twice).items
    first, second = base_model.decode(item.first_ids), base_model.decode(item.second_ids)
    assert not set(first.split()) & set(second.split())

    honest = overlap([second], [first])
    assert honest["rouge1"] == honest["rougeL"] == honest["bleu"] == 0.0
    mistaken = overlap([first + second], [first])
    assert mistaken["rouge1"] > 0.5
