"""Every file, command, secret and setting that the container files name exists and agrees."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from compose_pydantic import ComposeSpecification
from typer.testing import CliRunner

from onbrand.cli.app import app
from onbrand.workspace import open_workspace
from tests.serving.compose_file import COMPOSE, DOCKER, ROOT, SERVICES, make_secrets

DOCKERFILE = (DOCKER / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = [name for name, service in SERVICES.items() if service["image"] == "onbrand"]
every_service = pytest.mark.parametrize("name", SERVICES)
every_service_of_ours = pytest.mark.parametrize("name", OURS)


def test_the_compose_file_follows_the_specification() -> None:
    plain = {key: value for key, value in COMPOSE.items() if not key.startswith("x-")}
    ComposeSpecification.model_validate(plain)
    with pytest.raises(ValueError, match=r"redis\.netwroks"):
        ComposeSpecification.model_validate(
            {"services": {"redis": SERVICES["redis"] | {"netwroks": ["data"]}}}
        )


def compose_program() -> list[str]:
    """Docker's own Compose, where there is one."""
    for program in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(program[0]):
            said = subprocess.run([*program, "version"], capture_output=True)
            if said.returncode == 0:
                return program
    return []


@pytest.mark.skipif(not compose_program(), reason="needs Docker Compose")
@pytest.mark.parametrize("profiles", [(), ("gpu",), ("cpu",), ("gpu", "bots"), ("gpu", "slack")])
def test_docker_itself_accepts_the_compose_file(profiles: tuple[str, ...]) -> None:
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    command = [*compose_program(), "-f", str(DOCKER / "compose.yaml"), *chosen, "config"]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    started = yaml.safe_load(said.stdout)["services"].keys()
    assert started == {
        name
        for name, service in SERVICES.items()
        if not service.get("profiles") or set(service["profiles"]) & set(profiles)
    }


@every_service
def test_a_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert "privileged" not in service
    assert "network_mode" not in service


@every_service
def test_an_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "onbrand" or re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", image)


def test_only_gateway_and_dashboards_are_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"gateway", "grafana"}
    assert all(port.startswith("127.0.0.1:") for (port,) in published.values())


def test_database_broker_and_engines_have_no_way_out() -> None:
    closed = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    assert closed == {"engine", "data", "watch"}
    for name in ("postgres", "redis", "engine-gpu", "engine-cpu", "prometheus", "worker"):
        assert set(SERVICES[name]["networks"]) <= closed
    with_data = {name for name, service in SERVICES.items() if "data" in service["networks"]}
    assert with_data == {"postgres", "redis", "gateway", "worker"}


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in service.get("volumes", []):
        if isinstance(volume, dict):
            yield volume["source"], volume["target"]
        else:
            source, target, *_ = volume.split(":")
            yield source, target


def test_everything_that_is_named_exists_and_all_that_exists_is_used() -> None:
    used: dict[str, set[str]] = {"networks": set(), "volumes": set(), "secrets": set()}
    for service in SERVICES.values():
        used["networks"].update(service["networks"])
        used["secrets"].update(service.get("secrets", []))
        for source, _ in mounts(service):
            if not source.startswith("."):
                used["volumes"].add(source)
            elif source != "../models/merged":  # made by `onbrand merge`
                assert (DOCKER / source).exists()
        assert service.get("depends_on", {}).keys() <= SERVICES.keys()
    assert {kind: COMPOSE[kind].keys() for kind in used} == used


@every_service
def test_secrets_are_files_that_the_service_is_given(name: str) -> None:
    service = SERVICES[name]
    named = set(re.findall(r"/run/secrets/([\w.]+)", str({**service, "secrets": []})))
    if name == "prometheus":
        named |= set(
            re.findall(r"/run/secrets/(\w+)", (DOCKER / "prometheus/prometheus.yml").read_text())
        )
    assert named == set(service.get("secrets", []))
    environment = service.get("environment", {})
    assert not [key for key in environment if re.search(r"(KEY|TOKEN|PASSWORD)$", key)]


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_gateway_and_worker_are_told_only_what_they_read(name: str) -> None:
    source = "".join(path.read_text() for path in (ROOT / "serving").rglob("*.py"))
    told = SERVICES[name]["environment"]
    assert [key for key in told if f'"{key.removesuffix("_FILE")}"' not in source] == []


def test_make_secrets_makes_all_of_them_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)  # as git leaves it
    made = make_secrets(folder)
    files = {Path(secret["file"]) for secret in COMPOSE["secrets"].values()}
    assert {file.name for file in files} <= made.keys()
    assert {file.parent for file in files} == {Path("secrets")}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())
    store = urlsplit(made["store_url"])
    assert (store.hostname, store.password) == ("postgres", made["postgres_password"])
    database = SERVICES["postgres"]["environment"]
    assert (store.username, store.path[1:]) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    for url in ("redis_url", "broker_url"):
        parts = urlsplit(made[url])
        assert (parts.hostname, parts.password) == ("redis", made["redis_password"])
    assert made["redis_url"] != made["broker_url"]
    random = [made[name] for name in ("postgres_password", "redis_password", "engine_key")]
    assert len({*random}) == 3
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in random)
    assert make_secrets(folder) == made
    ignored = subprocess.run(["git", "check-ignore", "-q", "docker/secrets/store_url"], cwd=ROOT)
    assert ignored.returncode == 0


def test_the_build_finds_its_files() -> None:
    for name in OURS:
        build = SERVICES[name]["build"]
        context = DOCKER / build["context"]
        assert (context / build["dockerfile"]).samefile(DOCKER / "Dockerfile")
    sources = [
        name
        for names in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in names.split()
    ]
    assert all((ROOT / name).exists() for name in sources)
    allowed = (DOCKER / "Dockerfile.dockerignore").read_text().split("\n*\n")[1]
    assert re.findall(r"^!(\S+)$", allowed, re.MULTILINE) == sources
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) <= set(sources)
    (extras,) = re.findall(r"\.\[([\w,]+)\]", DOCKERFILE)
    assert set(extras.split(",")) <= PROJECT["project"]["optional-dependencies"].keys()
    (user,) = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert {SERVICES[name]["user"] for name in OURS} == {user}


@every_service_of_ours
def test_a_command_of_ours_exists(name: str) -> None:
    program, *arguments = SERVICES[name]["command"]
    assert program in PROJECT["project"]["scripts"]
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0
    if name == "gateway":
        assert str(SERVICES[name]["command"]).replace("'", '"') in DOCKERFILE


def test_the_brand_fits_the_containers() -> None:
    serving = open_workspace(DOCKER / "brand").config.serving
    assert serving.engine == "remote"
    assert serving.host == "0.0.0.0"
    (published,) = SERVICES["gateway"]["ports"]
    assert published == f"127.0.0.1:{serving.port}:{serving.port}"
    for name in ("engine-gpu", "engine-cpu"):
        (alias,) = SERVICES[name]["networks"]["engine"]["aliases"]
        command = SERVICES[name]["command"]
        (port,) = [word.removeprefix("--port=") for word in command if word.startswith("--port=")]
        assert serving.engine_url == f"http://{alias}:{port}/v1"
        assert f"--max-model-len={serving.context_tokens}" in command
        assert command[0] in [target for _, target in mounts(SERVICES[name])]
    grace = int(SERVICES["gateway"]["stop_grace_period"].removesuffix("s"))
    assert grace > serving.drain_seconds + 10  # what is left of traces takes up to 10
