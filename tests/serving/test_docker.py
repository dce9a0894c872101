"""Every file, command, extra and port that the container files name exists and agrees."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from gateway_harness import BRAND, SETTINGS, MisbehavingEngine, running, wait_ready
from onbrand.cli.app import app
from onbrand.workspace import open_workspace
from serving.engine import ENGINE_KEY, UrlEngine
from serving.gateway import create_app

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def gateway() -> dict[str, Any]:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    service: dict[str, Any] = compose["services"]["gateway"]
    return service


@pytest.fixture
def gateway_url() -> Iterator[str]:
    with (
        running(MisbehavingEngine().app()) as engine_url,
        running(create_app(SETTINGS, BRAND, UrlEngine(f"{engine_url}/v1"))) as url,
    ):
        wait_ready(url)
        yield url


def test_the_build_finds_its_files(gateway: dict[str, Any]) -> None:
    context = DOCKER / gateway["build"]["context"]
    assert (context / gateway["build"]["dockerfile"]).samefile(DOCKER / "Dockerfile")
    sources = [
        name
        for names in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in names.split()
    ]
    assert all((context / name).exists() for name in sources)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) <= set(sources)
    extras = re.findall(r"\.\[(\w+)\]", DOCKERFILE)
    assert extras
    assert set(extras) <= project["project"]["optional-dependencies"].keys()


def test_the_command_exists(gateway: dict[str, Any]) -> None:
    program, *arguments = gateway["command"]
    assert program in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0
    assert str(gateway["command"]).replace("'", '"') in DOCKERFILE


def test_the_mounted_workspace_fits_the_container(gateway: dict[str, Any]) -> None:
    (volume,) = gateway["volumes"]
    source, target, _ = volume.split(":")
    serving = open_workspace(DOCKER / source).config.serving
    assert target in gateway["command"]
    assert serving.engine == "url"
    assert serving.engine_url.endswith("/v1")
    assert serving.host == "0.0.0.0"
    (published,) = gateway["ports"]
    assert published == f"127.0.0.1:{serving.port}:{serving.port}"
    assert list(gateway["environment"]) == [ENGINE_KEY]


def test_the_health_check_tells_ready_from_not(gateway: dict[str, Any], gateway_url: str) -> None:
    kind, _, *arguments = gateway["healthcheck"]["test"]
    assert kind == "CMD"

    def check(url: str) -> int:
        here = [part.replace("http://127.0.0.1:8080", url) for part in arguments]
        return subprocess.run([sys.executable, *here], capture_output=True).returncode

    assert check(gateway_url) == 0
    assert check(f"{gateway_url}/no-such-path") != 0
