import time

from hypothesis import given
from hypothesis import strategies as st

from eval.honesty.shared_runs import Run, longest_shared_runs

Tokens = st.lists(st.sampled_from("abc"), max_size=12)


def by_hand(text: list[str], others: list[list[str]]) -> int:
    for length in range(len(text), 0, -1):
        for start in range(len(text) - length + 1):
            run = text[start : start + length]
            for other in others:
                if any(other[i : i + length] == run for i in range(len(other))):
                    return length
    return 0


@given(st.lists(Tokens, min_size=1, max_size=4), st.lists(Tokens, max_size=4))
def test_the_longest_run_and_where_it_is(texts: list[list[str]], others: list[list[str]]) -> None:
    for text, run in zip(texts, longest_shared_runs(texts, others), strict=True):
        assert run.length == by_hand(text, others)
        if run.other is None:
            assert run == Run(0, 0, None)
        else:
            shared = text[run.start : run.start + run.length]
            other = others[run.other]
            assert any(other[i : i + run.length] == shared for i in range(len(other)))


def test_runs_do_not_go_on_from_text_to_text() -> None:
    assert longest_shared_runs([["a", "b"]], [["a"], ["b"]])[0].length == 1
    assert longest_shared_runs([["a"], ["b"]], [["a", "b"]])[0].length == 1


def test_a_large_training_split_takes_seconds() -> None:
    words = [f"w{number % 5000}" for number in range(300_000)]
    others = [words[start : start + 100] for start in range(0, len(words), 100)]
    started = time.process_time()
    runs = longest_shared_runs([others[7][10:90], ["new"] * 50], others)
    assert time.process_time() - started < 20
    assert [(run.length, run.other) for run in runs] == [(80, 7), (0, None)]
