"""What the client makes of a server that misbehaves."""

import pytest

from gateway_harness import MisbehavingEngine, running
from serving.engine.client import EngineError
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
