import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.conversation import Conversation


@given(st.integers(1, 4), st.lists(st.tuples(st.text(min_size=1), st.text()), min_size=1))
def test_the_model_sees_the_newest_turns_in_alternation(
    max_turns: int, said: list[tuple[str, str]]
) -> None:
    conversation = Conversation(max_turns)
    answered: list[tuple[str, str]] = []
    for question, answer in said:
        conversation.ask(question)
        messages = conversation.messages()
        roles = [message["role"] for message in messages]
        assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
        assert messages[-1] == {"role": "user", "content": question}
        assert len(messages) == 2 * min(len(answered), max_turns - 1) + 1
        kept = [message["content"] for message in messages[:-1]]
        spoken = [text for turn in answered for text in turn]
        assert kept == spoken[len(spoken) - len(kept) :]
        conversation.answer(answer)
        if answer:
            answered.append((question, answer))


def test_a_question_without_an_answer_is_forgotten() -> None:
    conversation = Conversation()
    conversation.ask("one")
    conversation.answer("")
    conversation.ask("two")
    conversation.ask("three")
    assert conversation.messages() == [{"role": "user", "content": "three"}]


def test_clear() -> None:
    conversation = Conversation()
    conversation.ask("one")
    conversation.answer("yes")
    conversation.clear()
    assert conversation.messages() == []


def test_an_answer_needs_a_question() -> None:
    with pytest.raises(ValueError, match="nothing was asked"):
        Conversation().answer("yes")
    with pytest.raises(ValueError, match="at least 1"):
        Conversation(0)
