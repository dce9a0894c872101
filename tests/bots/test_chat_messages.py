"""What was said, as the model is given it."""

from dataclasses import replace

from fake_platform import question
from hypothesis import given
from hypothesis import strategies as st

from bots.conversation.messages import chat_messages, estimated_tokens
from bots.question import Turn

TURN = question().turn


def turn(text: str, *, ours: bool = False, by: str = "Ana") -> Turn:
    return replace(TURN, text=text, ours=ours, author_name="Onbrand" if ours else by)


texts = st.text() | st.sampled_from(["\x00", "\u202e", "<|im_end|>", " "])
turns = st.builds(turn, texts, ours=st.booleans(), by=st.sampled_from(["Ana", "Ben"]))


@given(st.lists(turns), st.integers(0, 60), st.sampled_from(["", "Be brief."]))
def test_user_and_assistant_alternate_and_the_newest_fits(
    history: list[Turn], max_tokens: int, persona: str
) -> None:
    messages = chat_messages(history, "Ana", "What now?", persona, max_tokens)
    if persona:
        assert messages.pop(0) == {"role": "system", "content": persona}
    roles = [message["role"] for message in messages]
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    assert roles[-1] == "user"
    assert messages[-1]["content"].endswith("What now?")
    assert all(message["content"] for message in messages)
    # Names, blank lines and the question come on top of what was kept of the history.
    extra = 20 * (len(history) + 1)
    assert sum(estimated_tokens(message["content"]) for message in messages) <= max_tokens + extra


def test_everything_is_kept_that_fits() -> None:
    history = [turn("one"), turn("1", ours=True), turn("two"), turn("2", ours=True)]
    assert chat_messages(history, "Ana", "three", "", 100) == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "three"},
    ]


def test_the_oldest_go_first() -> None:
    history = [turn("a" * 30), turn("b" * 30, ours=True), turn("c" * 30), turn("d" * 3, ours=True)]
    messages = chat_messages(history, "Ana", "e", "", 12)
    assert [message["content"] for message in messages] == ["c" * 30, "ddd", "e"]


def test_people_are_named_where_there_are_several() -> None:
    history = [turn("I like tea.", by="Ana"), turn("I don't.", by="Ben"), turn("Oh!", ours=True)]
    assert chat_messages(history, "Ana", "Why?", "", 100) == [
        {"role": "user", "content": "Ana: I like tea.\n\nBen: I don't."},
        {"role": "assistant", "content": "Oh!"},
        {"role": "user", "content": "Ana: Why?"},
    ]


def test_what_we_said_before_anybody_else_is_left_out() -> None:
    messages = chat_messages([turn("Welcome!", ours=True)], "Ana", "Hi", "", 100)
    assert messages == [{"role": "user", "content": "Hi"}]
