"""What runs in the containers, and what asks whether it does, run here without them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, free_port, running, wait_ready
from serving.engine.protocol import RemoteEngine
from serving.gateway.app import create_app
from tests.serving.compose_file import SERVICES, make_secrets


def test_the_gateways_health_check_tells_ready_from_not() -> None:
    kind, _, *arguments = SERVICES["gateway"]["healthcheck"]["test"]
    assert kind == "CMD"

    def check(url: str) -> int:
        here = [part.replace("http://127.0.0.1:8080", url) for part in arguments]
        return subprocess.run([sys.executable, *here], capture_output=True).returncode

    with (
        running(MisbehavingEngine().app()) as engine_url,
        running(create_app(SETTINGS, BRAND, RemoteEngine(f"{engine_url}/v1"))) as url,
    ):
        wait_ready(url)
        assert check(url) == 0
        assert check(f"{url}/no-such-path") != 0


@pytest.mark.parametrize("name", ["engine-gpu", "engine-cpu"])
def test_the_engine_gets_its_key_from_the_file_and_its_arguments(name: str, tmp_path: Path) -> None:
    (tmp_path / "engine_key").write_text("the-key\n")
    vllm = tmp_path / "vllm"
    vllm.write_text('#!/bin/sh\necho "$VLLM_API_KEY"\nprintf "%s\\n" "$@"\n')
    vllm.chmod(0o755)
    service = SERVICES[name]
    entrypoint = [part.replace("/run/secrets", str(tmp_path)) for part in service["entrypoint"]]
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    said = subprocess.check_output([*entrypoint, *service["command"]], env=path, text=True)
    assert said.splitlines() == ["the-key", "serve", *service["command"]]


@contextmanager
def compose_redis(folder: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Redis as the compose file starts it, but for port and folder; its port and the secrets."""
    secrets, port = make_secrets(folder / "secrets"), free_port()
    command = [
        word.replace("/run/secrets", str(folder / "secrets")).replace("/data", str(folder))
        for word in SERVICES["redis"]["command"]
    ]
    log = (folder / "redis.log").open("w")
    server = subprocess.Popen([*command, "--port", str(port)], stdout=log)
    try:
        deadline = time.monotonic() + 10
        while not _listens(port):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port, secrets
    finally:
        server.terminate()
        server.wait(10)
        log.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_redis_starts_with_its_password_and_its_health_check_sees_it(tmp_path: Path) -> None:
    from redis import Redis
    from redis.exceptions import AuthenticationError

    (_, check) = SERVICES["redis"]["healthcheck"]["test"]

    def health(port: int) -> int:
        return subprocess.call(check.replace("redis-cli", f"redis-cli -p {port}"), shell=True)

    with compose_redis(tmp_path) as (port, secrets):
        with pytest.raises(AuthenticationError):
            Redis(port=port).ping()
        redis = Redis(port=port, password=secrets["redis_password"])
        settings = redis.config_get("appendonly", "maxmemory-policy", "maxmemory")
        assert settings == {
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
            "maxmemory": str(256 * 1024**2),
        }
        assert health(port) == 0
    assert health(port) != 0


@pytest.mark.slow
def test_the_workers_health_check_tells_a_worker_from_none(tmp_path: Path) -> None:
    (_, check) = SERVICES["worker"]["healthcheck"]["test"]
    here = check.replace("/run/secrets", str(tmp_path / "secrets"))
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with compose_redis(tmp_path) as (port, secrets):
        url = secrets["broker_url"].replace("redis:6379", f"127.0.0.1:{port}")
        (tmp_path / "secrets/broker_url").write_text(f"{url}\n")
        assert subprocess.call(here, shell=True, env=path, stdout=subprocess.DEVNULL) != 0
        worker = subprocess.Popen(
            ["celery", "worker", "--pool=solo", "--loglevel=ERROR"],
            env=path | {"CELERY_BROKER_URL": url},
            cwd=tmp_path,
        )
        try:
            deadline = time.monotonic() + 40
            while subprocess.call(here, shell=True, env=path, stdout=subprocess.DEVNULL):
                assert time.monotonic() < deadline
        finally:
            worker.terminate()
            worker.wait(20)
