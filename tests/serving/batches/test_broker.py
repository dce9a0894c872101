"""The broker's URL, and what a fault costs: a sentence, but neither a password nor all batches."""

import logging
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from batch_gateway import Script, gateway, line, submit, wait

from onbrand.errors import UsageError
from onbrand.workspace import Workspace
from serving.batches import hand, housekeeping
from serving.batches.broker import BROKER_URL, broker_url
from serving.batches.lines import Lines

UNFIT = [
    "amqp://:top-secret@127.0.0.1:6379/1",
    "redis://127.0.0.1:6379/batches",
    "redis://127.0.0.1:6379/-1",
    "redis://127.0.0.1:99999/1",
    "redis://:top/secret@127.0.0.1:6379/1",
    "redis://:top#secret@127.0.0.1:6379/1",
    "redis://:top?secret@127.0.0.1:6379/1",
    "redis://top:12/secret@127.0.0.1:6379/1",
    "redis://top:12#secret@127.0.0.1:6379/1",
    "redis://top:12?secret@127.0.0.1:6379/1",
    "redis://[:top-secret@127.0.0.1:6379/1",
    "rediss://:top-secret@127.0.0.1:6379/1?ssl_cert_reqs=nonsense",
]


@pytest.mark.parametrize("url", UNFIT)
def test_a_url_that_cannot_be_right(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv(BROKER_URL, url)
    with pytest.raises(UsageError, match=f"^{BROKER_URL} is not a URL such as") as refused:
        broker_url(workspace)
    said = "".join(traceback.format_exception(refused.value))
    assert "top" not in said
    assert "secret" not in said.replace("onbrand/secrets.py", "")


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/1",
        "redis://host",
        "redis://host/",
        "redis://[::1]:6379/15",
        "redis://me:top%2Fsecret%23%3F%40@host:6379/1",
        "rediss://:top-secret@host:6379/0?ssl_cert_reqs=CERT_REQUIRED",
    ],
)
def test_a_url_that_can_be_right(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv(BROKER_URL, url)
    assert broker_url(workspace) == url


def test_a_worker_with_such_a_url_says_one_sentence(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER_URL, "redis://:top/secret@127.0.0.1:6379/1")
    command = [sys.executable, "-m", "onbrand", "--debug", "-w", str(workspace.root), "worker"]
    for words in (command, [word for word in command if word != "--debug"]):
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 2
        assert BROKER_URL in done.stderr
        assert "top" not in done.stdout + done.stderr
        assert ("Traceback" in done.stderr) == ("--debug" in words)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Lines, "claim"),
        (Lines, "renew"),
        (housekeeping, "count_due"),
        (housekeeping, "take_back_lost"),
    ],
)
def test_a_fault_is_logged_and_does_not_end_all_batches(
    workspace: Workspace,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    place: Any,
    name: str,
) -> None:
    right: Callable[..., Awaitable[Any]] = getattr(place, name)
    faults, said = 0, "what somebody said"

    async def wrong_at_first(*arguments: Any) -> Any:
        nonlocal faults
        if faults < 2:
            faults += 1
            raise KeyError(said)
        return await right(*arguments)

    monkeypatch.setattr(place, name, wrong_at_first)
    monkeypatch.setattr(hand, "_WATCH_SECONDS", 0.1)
    script.pause = 0.5
    log = logging.getLogger("onbrand.batches")
    log.addHandler(caplog.handler)
    with gateway(workspace, script) as client:
        batch = submit(client, [line("a"), line("b")])
        assert wait(client, batch).status == "completed"
    log.removeHandler(caplog.handler)
    assert faults == 2
    assert "KeyError" in caplog.text
    assert said not in caplog.text
