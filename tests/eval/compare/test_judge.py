from collections.abc import Callable
from pathlib import Path

import pytest

from eval.compare.judge import KEY_VARIABLE, ask_judge, choice_in
from eval.compare.preference import judged
from eval.generate.stage_files import Verdict
from eval.report.schema import PreferenceRow
from onbrand.workspace import Workspace
from tests.eval.chat_server import Answer, ChatServer, running_chat_server
from tests.eval.report.sample_report import generated


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("1", "first"),
        ("2.", "second"),
        ("0", "neither"),
        ("Continuation 2 is warmer.", "second"),
        ("<think>1 is long, 1 it is</think>\n2", "second"),
        ("**1**", "first"),
        ("I would say 12", "neither"),
        ("neither", "neither"),
        ("", "neither"),
    ],
)
def test_what_an_answer_says(answer: str, choice: str) -> None:
    assert choice_in(answer) == choice


def shown(request: str) -> tuple[str, str]:
    """The two continuations, as the judge sees them."""
    first = request.partition("Continuation 1:\n")[2].partition("\n\nContinuation 2:")[0]
    second = request.partition("Continuation 2:\n")[2].partition("\n\nAnswer with")[0]
    return first, second


def fair(request: str, count: int) -> Answer:
    """Prefers the text that says more of the reference."""
    first, second = (text.count("kettle") for text in shown(request))
    return Answer("0" if first == second else "1" if first > second else "2")


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    (tmp_path / "brand.toml").touch()
    return Workspace(tmp_path)


@pytest.fixture
def ask(
    space: Workspace,
) -> Callable[[Callable[[str, int], Answer]], tuple[PreferenceRow, ChatServer]]:
    def asked(answer: Callable[[str, int], Answer]) -> tuple[PreferenceRow, ChatServer]:
        made = generated()
        with running_chat_server(answer) as server:
            made.verdicts = ask_judge(space, made, server.url, 100, forget=True)
        [row] = judged(made)
        return row, server

    return asked


Ask = Callable[[Callable[[str, int], Answer]], tuple[PreferenceRow, ChatServer]]


def test_a_fair_judge_is_asked_in_both_orders(ask: Ask) -> None:
    row, server = ask(fair)
    assert len(server.asked) == 2 * 24
    assert (row.a, row.b, row.items) == ("base", "tuned", 24)
    assert row.b_wins > 15
    assert row.a_wins == 0
    assert row.share_b == pytest.approx((row.b_wins + row.ties / 2) / 24)
    assert row.low <= row.share_b <= row.high
    assert row.p < 0.01
    assert row.first_answers == pytest.approx(0.5)


def test_a_judge_that_prefers_the_first_answer_decides_nothing(ask: Ask) -> None:
    row, _ = ask(lambda request, count: Answer("1"))
    assert (row.ties, row.share_b, row.first_answers) == (24, 0.5, 1.0)
    assert row.p == 1.0


def test_the_longer_null_is_shown_beside_it(ask: Ask) -> None:
    def longer(request: str, count: int) -> Answer:
        first, second = (len(text.split()) for text in shown(request))
        return Answer("1" if first > second else "2" if second > first else "0")

    row, _ = ask(longer)
    assert row.longer_agreement == 1.0
    assert row.share_b == pytest.approx(row.longer_share_b)


def test_answers_are_remembered(space: Workspace) -> None:
    made = generated(4)
    with running_chat_server(fair) as server:
        first = ask_judge(space, made, server.url, 100, forget=False)
        asked = len(server.asked)
        assert ask_judge(space, made, server.url, 100, forget=False) == first
        assert len(server.asked) == asked
        assert len(ask_judge(space, made, server.url, 2, forget=False)) == 2


def test_its_key_is_its_own(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "judge-key")
    with running_chat_server(fair) as server:
        verdicts = ask_judge(space, generated(2), server.url, 1, forget=False)
    assert set(server.keys) == {"Bearer judge-key"}
    assert isinstance(verdicts[0], Verdict)
