"""Runs on an MLflow server: one that works, one that is gone for a while, and dead ones."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient

from finetune.registry import register_merged
from finetune.tracking import open_run
from onbrand.workspace import Workspace

ROWS = [{"step": step, "loss": 3.0 / step} for step in range(1, 41)]
TOKEN = "a-token-nobody-may-see"


@pytest.fixture(autouse=True)
def short_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Server:
    """A real MLflow server on loopback, in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        port = self.url.rpartition(":")[2]
        store = [f"--backend-store-uri=sqlite:///{folder}/runs.db"]
        store += [f"--artifacts-destination={folder}/artifacts"]
        # Websockets off: uvicorn's need a newer release than the one that pyppeteer allows.
        single = ["--workers=1", "--uvicorn-opts=--ws none"]
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", f"--port={port}", *store, *single],
            env=os.environ
            | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def wait(self) -> None:
        for _ in range(240):
            try:
                if httpx.get(f"{self.url}/health", timeout=5).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        raise TimeoutError("the MLflow server did not come up")

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def stop(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mlflow-server"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def space_at(folder: Path, url: str) -> Workspace:
    (folder / "brand.toml").write_text(
        f'[brand]\nname = "Saltmarsh"\n[tracking]\nuri = "{url}"\nexperiment = "{folder.name}"\n'
    )
    return Workspace(folder)


def steps(server: Server, run_id: str) -> list[int]:
    history = MlflowClient(tracking_uri=server.url).get_metric_history(run_id, "loss")
    return sorted(metric.step for metric in history)


@pytest.mark.slow
def test_a_server_holds_run_model_and_verification(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = space_at(tmp_path, server.url + "/")
    killed = open_run(space)
    killed.metrics(ROWS[:10])
    with open_run(space, resumed=True) as run:
        assert run.id == killed.id
        run.metrics(ROWS)
        run.artifact(tmp_path / "brand.toml")
    client = MlflowClient(tracking_uri=server.url)
    assert client.get_run(run.id).info.status == "FINISHED"
    assert steps(server, run.id) == list(range(1, 41))
    assert [file.path for file in client.list_artifacts(run.id)] == ["brand.toml"]

    space.merged.mkdir(parents=True)
    (space.merged / "config.json").write_text("{}")
    checks = [{"name": "tie_lost", "value": 0.0, "limit": 0.0}]
    verification = {"passed": True, "merged": "hash", "checks": checks, "held_out_loss": {}}
    space.verification.write_text(json.dumps(verification))
    register_merged(space)
    [version] = client.search_model_versions("name = 'Saltmarsh'")
    assert version.tags["onbrand.folder"] == str(space.merged)
    assert version.source.startswith("mlflow-artifacts:"), "the server takes no path of ours"
    files = {file.path for file in client.list_artifacts(version.run_id, "merged")}
    assert files == {"merged/config.json", "merged/merged-verification.json"}

    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "models/mlflow").exists()
    server_folder = Path(server._log.name).parent
    for folder in (tmp_path, server_folder):
        for path in folder.rglob("*"):
            assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


@pytest.mark.slow
def test_a_server_that_is_gone_for_a_while(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_run(space_at(tmp_path, server.url)) as run:
        run.metrics(ROWS[:10])
        server.signal(signal.SIGSTOP)
        try:
            run.metrics(ROWS[:20])
            started = time.monotonic()
            run.metrics(ROWS[:30])
            assert time.monotonic() - started < 0.5, "it is not asked again at once"
        finally:
            server.signal(signal.SIGCONT)
        run.metrics(ROWS)
    assert steps(server, run.id) == list(range(1, 41))
    said = " ".join(capsys.readouterr().err.split())
    assert said.count(f"The MLflow server {server.url} cannot be reached") == 1
    assert MlflowClient(tracking_uri=server.url).get_run(run.id).info.status == "FINISHED"


def test_nobody_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = space_at(tmp_path, f"http://127.0.0.1:{free_port()}")
    assert run_through(space, capsys).endswith(
        "cannot be reached or does not answer in time. Tuning goes on; log.jsonl has the figures."
    )


def test_a_listener_that_never_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        space = space_at(tmp_path, f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert "does not answer in time" in run_through(space, capsys)
        space.merged.mkdir(parents=True)
        space.verification.write_text('{"passed": true}')
        register_merged(space)
    said = " ".join(capsys.readouterr().err.split())
    assert said.endswith("The merge is not recorded; `onbrand merge --force` records it.")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (503, "answers with an error"),
        (429, "answers with an error"),
        (401, "MLFLOW_TRACKING_TOKEN"),
    ],
)
def test_a_server_that_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"no: {self.headers['Authorization']}".encode()
            self.send_response(status)
            self.send_header("Retry-After", "3600")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refusal) as refusing:
        threading.Thread(target=refusing.serve_forever, daemon=True).start()
        space = space_at(tmp_path, f"http://127.0.0.1:{refusing.server_port}")
        assert said in run_through(space, capsys)
        refusing.shutdown()


def run_through(space: Workspace, capsys: pytest.CaptureFixture[str]) -> str:
    """A whole run; returns the one warning. It takes seconds at most, and no secret is shown."""
    started = time.monotonic()
    with open_run(space) as run:
        for count in range(1, 41):
            run.metrics(ROWS[:count])
        run.artifact(space.root / "brand.toml")
    assert time.monotonic() - started < 30
    assert run.id == ""
    out, err = capsys.readouterr()
    assert TOKEN not in out + err
    said = " ".join(err.split())
    assert said.count("MLflow server") == 1
    return said
