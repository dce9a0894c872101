"""`onbrand chat` as people use it: at a terminal, through a pipe, and with given questions."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from bots.terminal import chat
from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, free_port, running, wait_ready
from onbrand.errors import OnbrandError
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; from bots.terminal import chat; chat(sys.argv[1], 'Saltmarsh')"


@pytest.fixture
def engine() -> MisbehavingEngine:
    return MisbehavingEngine()


@pytest.fixture
def url(engine: MisbehavingEngine) -> Iterator[str]:
    with running(engine.app()) as engine_url:
        app = create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1", "a-model"))
        with running(app) as url:
            wait_ready(url)
            yield url


@pytest.fixture
def terminal(url: str) -> Iterator["pexpect.spawn[str]"]:
    child = pexpect.spawn(
        sys.executable, ["-c", PROGRAM, url], cwd=str(ROOT), encoding="utf-8", timeout=20
    )
    child.expect("you> ")
    yield child
    child.close(force=True)


def user_texts(engine: MisbehavingEngine) -> list[str]:
    """What the user said, in the last request that the engine saw."""
    return [m["content"] for m in engine.seen[-1]["messages"] if m["role"] == "user"]


def test_a_conversation_at_a_terminal(
    terminal: "pexpect.spawn[str]", engine: MisbehavingEngine
) -> None:
    terminal.sendline("first")
    terminal.expect("Saltmarsh>.*Salt and pepper.* here\r\n")
    terminal.expect("you> ")
    terminal.sendline("second")
    terminal.expect(" here\r\n")
    terminal.expect("you> ")
    assert user_texts(engine) == ["first", "second"]

    terminal.sendline("/new")
    terminal.expect("A new conversation")
    terminal.expect("you> ")
    terminal.sendline("third")
    terminal.expect(" here\r\n")
    terminal.expect("you> ")
    assert user_texts(engine) == ["third"]

    terminal.sendline("/help")
    terminal.expect("Ctrl-D leaves")
    terminal.expect("you> ")
    terminal.sendline("/quit")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_ctrl_c_stops_the_answer_and_ctrl_d_leaves(
    terminal: "pexpect.spawn[str]", engine: MisbehavingEngine
) -> None:
    engine.mode = "endless"
    terminal.sendline("first")
    terminal.expect("!!!")
    terminal.sendintr()
    assert engine.abandoned.wait(2)
    terminal.expect("you> ")

    terminal.sendintr()
    terminal.expect("Ctrl-D leaves")
    terminal.expect("you> ")
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_a_failure_is_shown_and_the_conversation_goes_on(
    terminal: "pexpect.spawn[str]", engine: MisbehavingEngine
) -> None:
    engine.mode = "500"
    terminal.sendline("first")
    terminal.expect("could not answer")
    terminal.expect("you> ")
    engine.mode = "well"
    terminal.sendline("second")
    terminal.expect(" here\r\n")
    assert user_texts(engine) == ["second"]


def test_questions_through_a_pipe(url: str) -> None:
    command = [sys.executable, "-c", PROGRAM, url]
    done = subprocess.run(command, cwd=ROOT, input="first\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Saltmarsh> Salt and pepper\u2028 STOP here" in done.stdout


def test_given_questions_are_asked_apart_and_answers_are_plain_text(
    url: str, engine: MisbehavingEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    chat(url, "Saltmarsh [& Sons]", ["one", "[bold]two"])

    answer = "Saltmarsh [& Sons]> Salt and pepper\u2028 STOP here\n\n"
    assert capsys.readouterr().out == f"you> one\n{answer}you> [bold]two\n{answer}"
    assert user_texts(engine) == ["[bold]two"]


def test_an_answer_cannot_steer_the_terminal(
    url: str, engine: MisbehavingEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.words = ["\x1b[2J\x07", "clean", "\r\x9b1m ok\n"]
    chat(url, "", ["one"])
    assert capsys.readouterr().out == "you> one\nsaltmarsh-sons> [2Jclean1m ok\n\n\n"


def test_with_questions_a_failure_ends_it(url: str, engine: MisbehavingEngine) -> None:
    engine.mode = "cut"
    with pytest.raises(OnbrandError, match="cut off"):
        chat(url, "Saltmarsh", ["one"])


def test_no_gateway() -> None:
    with pytest.raises(OnbrandError, match="`onbrand serve` starts it"):
        chat(f"http://127.0.0.1:{free_port()}", "Saltmarsh")


def test_the_real_model_answers(gateway: str, capsys: pytest.CaptureFixture[str]) -> None:
    chat(gateway, "Saltmarsh", ["What do you sell?"])
    out = capsys.readouterr().out
    assert re.match(r"you> What do you sell\?\nSaltmarsh> .+\n\n", out, re.DOTALL)
