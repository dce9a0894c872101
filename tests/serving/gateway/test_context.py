from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbrand.errors import OnbrandError
from serving.api_errors import ApiError
from serving.gateway.context import Context, context_of, unknown_context

SYSTEM = {"role": "system", "content": "You are the voice of Saltmarsh."}


def conversation(*texts: str) -> list[dict[str, str]]:
    roles = ["user", "assistant"] * len(texts)
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return [SYSTEM, *turns]


def test_the_newest_turns_stay_and_a_user_speaks_first(tiny_llama: Path) -> None:
    context = Context(300, context_of(tiny_llama, 0).count)
    messages = conversation(*(f"turn {number} " + "tea " * 20 for number in range(11)))

    kept, left_out = context.fit(messages, 50)

    assert kept[0] == SYSTEM
    assert kept[1]["role"] == "user"
    assert kept[1:] == messages[1 + left_out :]
    assert 0 < left_out < 10


def test_what_fits_is_left_as_it_is(tiny_llama: Path) -> None:
    messages = conversation("a", "b", "c")
    assert context_of(tiny_llama, 0).fit(messages, 10) == (messages, 0)
    assert unknown_context(0).fit(conversation("x" * 10**6), 10)[1] == 0


@pytest.mark.parametrize("length", [3_000, 100_000, 10_000_000])
def test_a_last_message_that_cannot_fit_is_refused_at_once(tiny_llama: Path, length: int) -> None:
    context = context_of(tiny_llama, 256)
    with pytest.raises(ApiError, match="there is room for") as refused:
        context.fit(conversation("hello", "hi", "tea " * (length // 4)), 20)
    assert refused.value.code == "context_length_exceeded"


@given(
    st.lists(st.text(max_size=60), min_size=1, max_size=12), st.integers(1, 200), st.integers(1, 50)
)
def test_what_is_kept_fits_or_is_refused(texts: list[str], tokens: int, answer: int) -> None:
    context = unknown_context(tokens)
    try:
        kept, left_out = context.fit(conversation(*texts), answer)
    except ApiError:
        return
    assert len(kept) == 1 + len(texts) - left_out
    assert kept[-1]["content"] == texts[-1]
    if left_out:
        assert sum(context.count(m["content"]) + 8 for m in kept) + answer <= tokens


def test_a_model_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="no readable tokenizer"):
        context_of(tmp_path, 0)
