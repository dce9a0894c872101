"""What the client makes of a server that misbehaves."""

import pytest

from gateway_harness import MisbehavingEngine, running
from serving.engine.client import EngineBusyError, EngineError
from serving.engine.protocol import RemoteEngine
from tests.serving.engine.contenders import ask


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("500", "HTTP status 500"),
        ("html", "not OpenAI's format"),
        ("not json", "not OpenAI's format"),
        ("error event", "failed in the middle"),
        ("cut", "cut off"),
    ],
)
def test_what_is_no_answer_is_an_engine_error(mode: str, says: str) -> None:
    with running(MisbehavingEngine(mode).app()) as url, pytest.raises(EngineError, match=says):
        ask(RemoteEngine(f"{url}/v1"))


@pytest.mark.parametrize("mode", ["429", "503"])
@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("", 5),
        ("7", 7),
        ("0", 1),
        ("86400", 60),
        ("9" * 5000, 60),
        ("-1", 5),
        ("nan", 5),
        ("²", 5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 5),
    ],
)
def test_one_that_has_no_room_says_for_how_long(mode: str, given: str, seconds: int) -> None:
    engine = MisbehavingEngine(mode, retry_after=given)
    with running(engine.app()) as url, pytest.raises(EngineBusyError, match=mode) as busy:
        ask(RemoteEngine(f"{url}/v1"))
    assert busy.value.retry_after == seconds
    assert "secret-inside" not in str(busy.value)
