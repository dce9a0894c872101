"""`onbrand chat` with the gateway that it starts, finds, or must not take for its own."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest
from fastapi import FastAPI

from gateway_harness import (
    SETTINGS,
    MisbehavingEngine,
    free_port,
    put_merged,
    running,
    wait_ready,
)
from onbrand.config import Brand
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app

CHAT = ["-m", "onbrand", "chat"]


def configure(folder: Path, serving: str) -> None:
    (folder / "brand.toml").write_text(f'[brand]\nname = "Saltmarsh"\n[serving]\n{serving}\n')


def ask(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *CHAT, "--ask", "Hello?", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def refusal(folder: Path) -> str:
    """The one sentence with which `chat` refuses what it finds on its port."""
    result = ask(folder)
    assert result.returncode == 1, result.stderr
    assert not (folder / "logs").exists(), "a gateway was started"
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, result.stderr
    return errors[0]


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def all_gone(processes: list[psutil.Process], seconds: float) -> bool:
    """Zombies count as gone: in a container nobody may be there to collect them."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        alive = [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        if not alive:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def terminal(tmp_path: Path, tiny_llama: Path) -> Iterator["pexpect.spawn[str]"]:
    """`onbrand chat` at a prompt, with a gateway and an engine that it started itself."""
    put_merged(tmp_path, tiny_llama)
    configure(tmp_path, f"port = {free_port()}\nmax_tokens = 300")
    child = pexpect.spawn(
        sys.executable, CHAT, cwd=str(tmp_path), encoding="utf-8", timeout=120, echo=False
    )
    child.expect("you> ")
    yield child
    child.close(force=True)


def descendants(terminal: "pexpect.spawn[str]") -> list[psutil.Process]:
    """The processes of gateway and engine."""
    processes: list[psutil.Process] = psutil.Process(terminal.pid).children(recursive=True)
    lines = [" ".join(process.cmdline()) for process in processes]
    assert any("onbrand" in line and "serve" in line for line in lines), lines
    assert any("transformers_process.py" in line for line in lines), lines
    return processes


@pytest.mark.slow
def test_ctrl_c_stops_one_answer_and_the_gateway_goes_on(
    terminal: "pexpect.spawn[str]", tmp_path: Path
) -> None:
    started = descendants(terminal)
    terminal.sendline("first")
    terminal.expect(r"Saltmarsh> (\x1b\[0m)?[^\x1b]{30}")
    terminal.sendintr()
    terminal.expect(" …")
    terminal.expect("you> ")

    time.sleep(1)  # a gateway that had got the Ctrl-C too would still take a question at once
    terminal.sendline("second")
    terminal.expect("Saltmarsh> ")
    terminal.expect("you> ")
    assert descendants(terminal) == started
    terminal.sendline("/quit")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert all_gone(started, 1)
    log = (tmp_path / "logs" / "serve.log").read_text()
    assert log.count("POST /v1/chat/completions 200") == 2, log


@pytest.mark.slow
def test_a_killed_chat_takes_gateway_and_engine_with_it(terminal: "pexpect.spawn[str]") -> None:
    started = descendants(terminal)
    terminal.kill(signal.SIGKILL)
    assert all_gone(started, 20)


@pytest.mark.parametrize(
    ("name", "model_hash", "says"),
    [("Tea House", "", r"another brand \(tea-house\)"), ("Saltmarsh", "old", "another model")],
)
def test_a_gateway_of_another_workspace(
    tmp_path: Path, name: str, model_hash: str, says: str
) -> None:
    with running(MisbehavingEngine().app()) as engine_url:
        engine = RemoteEngine(f"{engine_url}/v1", "a-model")
        with running(create_app(SETTINGS, Brand(name=name), engine, model_hash)) as url:
            configure(tmp_path, f"port = {port_of(url)}")
            sentence = refusal(tmp_path)
    assert re.search(says, sentence)
    assert "stop it, or set another serving.port" in sentence


def test_something_else_answers_on_the_port(tmp_path: Path) -> None:
    other = FastAPI()

    @other.get("/ready")
    def ready() -> dict[str, str]:
        return {"status": "ok"}

    with running(other) as url:
        configure(tmp_path, f"port = {port_of(url)}")
        assert f"{url} is no Onbrand gateway; stop it" in refusal(tmp_path)


def test_the_gateway_of_this_workspace_is_used(tmp_path: Path) -> None:
    with running(MisbehavingEngine().app()) as engine_url:
        engine = RemoteEngine(f"{engine_url}/v1", "a-model")
        with running(create_app(SETTINGS, Brand(name="Saltmarsh"), engine)) as url:
            # Not waited for here: `chat` waits for a gateway that is still starting.
            configure(tmp_path, f'port = {port_of(url)}\nengine = "remote"')
            result = ask(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Saltmarsh> Salt and pepper" in result.stdout
    assert not (tmp_path / "logs").exists()


def test_a_url_needs_no_workspace(tmp_path: Path) -> None:
    with running(MisbehavingEngine().app()) as engine_url:
        engine = RemoteEngine(f"{engine_url}/v1", "a-model")
        with running(create_app(SETTINGS, Brand(name="Tea House"), engine, "a-hash")) as url:
            wait_ready(url)
            result = ask(tmp_path, "--url", url)
    assert result.returncode == 0, result.stderr
    assert "tea-house> Salt and pepper" in result.stdout


def test_an_ipv6_address(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with running(MisbehavingEngine().app()) as engine_url:
        serving = f'host = "::1"\nport = {free_port()}\nengine = "remote"'
        configure(tmp_path, f'{serving}\nengine_url = "{engine_url}/v1"')
        result = ask(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Saltmarsh> Salt and pepper" in result.stdout


def test_an_engine_that_never_answers_ends_the_wait(tmp_path: Path) -> None:
    port, engine_port = free_port(), free_port()
    serving = f'port = {port}\nengine = "remote"\ntimeout_seconds = 2'
    configure(tmp_path, f'{serving}\nengine_url = "http://127.0.0.1:{engine_port}/v1"')
    result = ask(tmp_path)
    assert result.returncode == 1
    assert f"not ready within 2 s: No engine answers at http://127.0.0.1:{engine_port}" in (
        result.stderr
    )
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1).close()


def test_a_gateway_that_cannot_start_says_why(tmp_path: Path) -> None:
    configure(tmp_path, f"port = {free_port()}")
    result = ask(tmp_path)
    assert result.returncode == 1
    assert "did not start: There is no merged model in" in result.stderr
    assert "run `onbrand merge` first" in result.stderr
