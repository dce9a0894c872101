"""Every command the documentation shows is run, in a workspace made by the demo itself.

The base model is a tiny Llama, so that the whole pipeline takes seconds; all else is what a person
gets.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tomlkit

from examples.saltmarsh.serve_site import make_server
from tests.scraper.dataset_hub import TOKEN, Hub, running_hub

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]
ELSEWHERE = {
    "make demo": "test_the_demo_ends_in_a_chat runs its script",
    "make test": "it is what runs this test",
    "docker compose -f docker/compose.yaml --profile gpu up": "tests/serving/test_docker.py checks",
    "docker compose -f docker/compose.yaml --profile cpu up": "tests/serving/test_docker.py checks",
    "cd lighthouse": "only changes the folder",
}
STARTS = ("onbrand ", "make ", "curl ", "docker ", "python ", "cd ", "pip ")


def documented() -> list[str]:
    """The commands in fenced blocks, each once, in the order of the pages."""
    found: dict[str, None] = {}
    for page in PAGES:
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.M | re.S):
            if language not in ("", "sh"):
                continue
            for line in block.replace("\\\n", " ").splitlines():
                command = " ".join(re.split(r"\s{2,}# ", line.strip())[0].split())
                if command.startswith(STARTS) and command not in ELSEWHERE:
                    found[command] = None
    return list(found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def demo(
    tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    """The demo's script, run in a fresh folder."""
    workspace = tmp_path_factory.mktemp("demo")
    config = tomlkit.parse((ROOT / "examples/saltmarsh/brand.toml").read_text())
    config["model"] = {"base": str(tiny_llama)}
    # An adapter of a random model does not learn in a minute where texts end; all weights do.
    config["tune"] |= {"method": "full", "epochs": 1, "learning_rate": 0.01}
    config["serving"] = {"port": free_port(), "max_tokens": 8}
    config["eval"] = {"max_tokens": 64, "sampled": 1}
    (workspace / "brand.toml").write_text(tomlkit.dumps(config))
    return run(["sh", "examples/saltmarsh/demo.sh", str(workspace)], ROOT)


@pytest.fixture(scope="module")
def workspace(demo: subprocess.CompletedProcess[str]) -> Iterator[Path]:
    """The workspace the demo left, with its site still being served."""
    site = make_server("127.0.0.1", 8765)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    shutil.copytree(ROOT / "examples/saltmarsh/pages", Path(demo.args[-1]) / "pages")
    yield Path(demo.args[-1])
    site.shutdown()


@pytest.fixture
def gateway(workspace: Path) -> Iterator[str]:
    with serving(["onbrand", "serve"], workspace) as url:
        yield url


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where new workspaces are made."""
    return tmp_path_factory.mktemp("empty")


class serving:  # noqa: N801
    """`onbrand serve` for the length of a block; it must end by itself when it is asked to."""

    def __init__(self, command: list[str], workspace: Path) -> None:
        config = tomlkit.parse((workspace / "brand.toml").read_text())
        self.url = f"http://127.0.0.1:{config['serving']['port']}"
        self.process = subprocess.Popen(command, cwd=workspace, env=environment())

    def __enter__(self) -> str:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/ready", timeout=5).is_success:
                    return self.url
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"not ready (exit code {self.process.poll()})")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0


@pytest.mark.slow
def test_the_demo_ends_in_a_chat(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stderr
    assert "Perplexity" in demo.stdout
    assert demo.stdout.count("you>") == 3
    for stage in ("scrape", "build", "tune", "merge", "eval"):
        assert f"✓ {stage}:" in demo.stderr


@pytest.mark.slow
def test_a_second_run_finds_everything_up_to_date(workspace: Path) -> None:
    again = run(["onbrand", "run"], workspace)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("up to date") == 5
    status = run(["onbrand", "status", "--json"], workspace)
    assert {row["state"] for row in json.loads(status.stdout)} == {"current"}


@pytest.mark.slow
@pytest.mark.parametrize("command", documented())
def test_a_documented_command_works(
    command: str,
    workspace: Path,
    empty: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = shlex.split(command)
    if words[:2] == ["onbrand", "serve"]:
        with serving(words, workspace) as url:
            assert httpx.get(f"{url}/v1/models").is_success
        return
    if "http://" in command and ":8765" not in command and words[0] in ("curl", "onbrand"):
        url = request.getfixturevalue("gateway")
        words = [re.sub(r"^http://(127\.0\.0\.1|host):8080", url, word) for word in words]
    if words[:2] == ["onbrand", "push"]:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")  # the test hub does not speak it
        monkeypatch.setenv("HF_HOME", str(workspace / "hf"))
        monkeypatch.setenv("HF_ENDPOINT", request.getfixturevalue("hub").url)
    if words[:2] == ["python", "-m"]:
        result = run([*words, "--help"], ROOT)  # its own tests let it serve
    else:
        result = run(words, empty if "lighthouse" in words else workspace)
    if words[-1] == "adapter":  # all weights were tuned here, which leaves none
        assert "holds no adapter that fits the model" in result.stderr
        return
    assert result.returncode == 0, result.stderr


def test_every_page_is_linked_and_every_link_leads_somewhere() -> None:
    linked = set()
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                linked.add((page.parent / target).resolve())
    assert [str(path) for path in linked if not path.exists()] == []
    assert {page for page in PAGES if page.name != "README.md"} <= linked
