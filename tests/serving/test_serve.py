"""`serve` as its own process, as people run it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from gateway_harness import MisbehavingEngine, free_port, put_merged, running
from onbrand.config import Serving
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from serving.serve import _listen, serve

SERVE = """
import sys
from pathlib import Path
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from serving.serve import _listen, serve
try:
    serve(Workspace(Path(sys.argv[1])), on_ready=lambda url: print("ready", url, flush=True))
except OnbrandError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
print("stopped", flush=True)
"""
Start = Callable[[Path], "subprocess.Popen[str]"]


def workspace(root: Path, serving: str = "", port: int | None = None) -> Workspace:
    (root / "brand.toml").write_text(
        f'[brand]\nname = "Saltmarsh"\n[serving]\nport = {port or free_port()}\n{serving}\n'
    )
    return Workspace(root)


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(root: Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(root)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=(root / "stderr").open("wb"),
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def engine_of(pid: int) -> int:
    """Process id of the child that `pid` starts, or has started."""
    deadline = time.monotonic() + 60
    while not (children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(children) == 1
    return int(children[0])


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        # A zombie has ended; in a container nobody may be there to collect it.
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_nothing_merged(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="models/merged; run `onbrand merge` first"):
        serve(workspace(tmp_path))


def test_a_port_in_use_is_named_before_the_engine_starts(tmp_path: Path, tiny_llama: Path) -> None:
    put_merged(tmp_path, tiny_llama)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OnbrandError, match=f"127.0.0.1:{port} .*in use"):
            serve(workspace(tmp_path, port=port))
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"passed": false, "merged": "HASH"}', "failed its verification"),
        ('{"passed": true, "merged": "of before"}', "another merged model"),
        ('{"passed": true}', "another merged model"),
        ('{"merged": "HASH"}', "cannot be read"),
        ("[]", "cannot be read"),
        ("{", "cannot be read"),
        (None, "never verified"),
    ],
)
def test_a_model_that_is_not_known_to_be_the_trained_one(
    tmp_path: Path, tiny_llama: Path, content: str | None, says: str
) -> None:
    output_hash = put_merged(tmp_path, tiny_llama)
    verification = tmp_path / "models" / "merged-verification.json"
    verification.unlink()
    if content is not None:
        verification.write_text(content.replace("HASH", output_hash))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        here = workspace(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(OnbrandError, match=says):
            serve(here)
        with pytest.raises(OnbrandError, match="in use"):
            serve(here, force=True)


def test_a_merge_that_did_not_finish(tmp_path: Path, tiny_llama: Path) -> None:
    put_merged(tmp_path, tiny_llama)
    (tmp_path / "models" / "merged" / "manifest.json").unlink()
    with pytest.raises(OnbrandError, match="did not finish; run `onbrand merge`"):
        serve(workspace(tmp_path))


def test_an_engine_url_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"serving\.engine_url"):
        serve(workspace(tmp_path, 'engine = "remote"'))


def test_a_password_in_the_engine_url_is_refused_and_not_shown(tmp_path: Path) -> None:
    configured = 'engine = "remote"\nengine_url = "http://me:secret-inside@127.0.0.1:1/v1"'
    with pytest.raises(UsageError, match="ONBRAND_ENGINE_KEY") as error:
        serve(workspace(tmp_path, configured))
    assert "secret-inside" not in str(error.value)


def test_a_wrong_key_for_the_engine(tmp_path: Path) -> None:
    with running(MisbehavingEngine("401").app()) as url:
        configured = f'engine = "remote"\nengine_url = "{url}/v1"'
        with pytest.raises(OnbrandError, match=r"cannot be used: .*HTTP status 401"):
            serve(workspace(tmp_path, configured))


def test_an_engine_elsewhere(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = MisbehavingEngine()
    monkeypatch.setenv("ONBRAND_ENGINE_KEY", "the-key")
    with running(engine.app()) as url:
        configured = f'engine = "remote"\nengine_url = "{url}/v1"\nengine_model = "mine"'
        port = workspace(tmp_path, configured).config.serving.port
        process = start(tmp_path)
        assert line(process) == f"ready http://127.0.0.1:{port}"
        assert engine.seen[-1]["model"] == "mine"
        assert engine.headers[-1]["authorization"] == "Bearer the-key"
        process.send_signal(signal.SIGINT)
        assert line(process) == "stopped"
        assert process.wait(10) == 0


@pytest.mark.parametrize("host", ["::", "::1"])
def test_an_ipv6_address(tmp_path: Path, start: Start, host: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with running(MisbehavingEngine().app()) as url:
        configured = f'host = "{host}"\nengine = "remote"\nengine_url = "{url}/v1"'
        port = workspace(tmp_path, configured).config.serving.port
        process = start(tmp_path)
        assert line(process) == f"ready http://[::1]:{port}"
        assert httpx.get(f"http://[::1]:{port}/ready", trust_env=False).status_code == 200


@pytest.mark.slow
def test_sigterm_lets_the_answer_finish_and_leaves_no_process(
    tmp_path: Path, start: Start, tiny_llama: Path
) -> None:
    put_merged(tmp_path, tiny_llama)
    workspace(tmp_path)
    process = start(tmp_path)
    ready = line(process)
    assert ready.startswith("ready "), (tmp_path / "stderr").read_text()
    engine = engine_of(process.pid)
    asked = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 60, "stream": True}
    url = f"{ready.removeprefix('ready ')}/v1/chat/completions"
    with httpx.stream("POST", url, json=asked, timeout=60, trust_env=False) as response:
        lines = response.iter_lines()
        next(lines)
        process.send_signal(signal.SIGTERM)
        assert "data: [DONE]" in list(lines)
    assert line(process) == "stopped"
    assert process.wait(10) == 0
    assert gone(engine, 0.1)


@pytest.mark.slow
def test_a_killed_gateway_takes_the_engine_with_it(
    tmp_path: Path, start: Start, tiny_llama: Path
) -> None:
    put_merged(tmp_path, tiny_llama)
    workspace(tmp_path)
    process = start(tmp_path)
    engine = engine_of(process.pid)
    # In the middle of its imports: the launcher is already watching, or will notice at once.
    process.kill()
    assert gone(engine, 20)


@pytest.mark.slow
def test_a_dead_engine_is_started_again(tmp_path: Path, start: Start, tiny_llama: Path) -> None:
    put_merged(tmp_path, tiny_llama)
    workspace(tmp_path)
    process = start(tmp_path)
    url = line(process).removeprefix("ready ")
    os.kill(engine_of(process.pid), signal.SIGKILL)
    killed = time.monotonic()
    states = set()
    while (answer := httpx.get(f"{url}/ready", trust_env=False).json())["restarts"] == 0 or (
        answer["engine"] != "ready"
    ):
        states.add(answer["engine"])
        assert time.monotonic() - killed < 120
        time.sleep(0.05)
    print(f"recovered in {time.monotonic() - killed:.1f} s")
    assert "restarting" in states
    asked = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 3}
    answered = httpx.post(f"{url}/v1/chat/completions", json=asked, timeout=60, trust_env=False)
    assert answered.status_code == 200
    assert "was ended by SIGKILL" in (tmp_path / "stderr").read_text()


@pytest.mark.slow
def test_an_engine_that_never_comes_up_ends_the_command_with_its_last_words(
    tmp_path: Path, start: Start, tiny_llama: Path
) -> None:
    put_merged(tmp_path, tiny_llama)
    weights = tmp_path / "models" / "merged" / "model.safetensors"
    weights.unlink()
    weights.write_bytes(b"not weights")
    workspace(tmp_path)
    process = start(tmp_path)
    said = line(process)
    assert "The engine left with code 1" in said
    assert "safetensors" in said.lower()
    assert str(tmp_path / "logs" / "engine.log") in said
    assert process.wait(10) == 1


def test_vllm_without_its_environment(tmp_path: Path, tiny_llama: Path) -> None:
    put_merged(tmp_path, tiny_llama)
    here = workspace(tmp_path, 'engine = "vllm"\n[vllm]\npython = "/no/such/python"')
    with pytest.raises(OnbrandError, match=r"/no/such/python; .*`make vllm-cpu`.* vllm\.python"):
        serve(here)


def test_first_words_do_not_wait_for_the_head_to_be_confirmed() -> None:
    with (
        _listen(Serving(port=free_port())) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
