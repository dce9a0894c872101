"""Bad input, through the command line: one clear sentence, the right exit code, no traceback."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from onbrand.artifact import Manifest, now, write_manifest

FACEBOOK = {
    "postId": "1",
    "pageName": "tea",
    "url": "https://www.facebook.com/tea/posts/1",
    "text": "The kettle is on, come in and sit down.",
    "user": {"name": "Tea"},
}


class Site(BaseHTTPRequestHandler):
    """`/missing` is a 404, `/file` is no HTML; there is no robots.txt."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/file" else 404)
        self.send_header("Content-Type", "application/pdf")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fails(folder: Path, *command: str, code: int) -> str:
    """Run a command that has to fail; return its one sentence."""
    result = subprocess.run(
        [sys.executable, "-m", "onbrand", *command], cwd=folder, capture_output=True, text=True
    )
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.returncode == code, result.stderr
    assert len(errors) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.rstrip().endswith(errors[0]), "something follows the sentence"
    return errors[0]


def configure(folder: Path, text: str) -> None:
    (folder / "brand.toml").write_text(text)


def test_no_workspace(tmp_path: Path) -> None:
    assert "No brand.toml in" in fails(tmp_path, "run", code=2)


def test_an_unknown_key(tmp_path: Path) -> None:
    configure(tmp_path, "[serving]\nprot = 80")
    assert "did you mean serving.port?" in fails(tmp_path, "run", code=2)


def test_nothing_to_scrape(tmp_path: Path) -> None:
    configure(tmp_path, "")
    assert "brand.toml" in fails(tmp_path, "scrape", code=2)


def test_a_site_that_does_not_answer(tmp_path: Path, dead_port: int) -> None:
    configure(tmp_path, f'[website]\nstart_urls = ["http://127.0.0.1:{dead_port}/"]')
    assert f"127.0.0.1:{dead_port}" in fails(tmp_path, "scrape", code=1)


def test_a_site_that_answers_404(tmp_path: Path, site: str) -> None:
    configure(tmp_path, f'[website]\nstart_urls = ["{site}/missing"]')
    sentence = fails(tmp_path, "scrape", code=1)
    assert f"{site}/missing" in sentence
    assert "404" in sentence


def test_a_site_that_is_not_html(tmp_path: Path, site: str) -> None:
    configure(tmp_path, f'[website]\nstart_urls = ["{site}/file"]')
    sentence = fails(tmp_path, "scrape", code=1)
    assert f"{site}/file" in sentence
    assert "PDF" in sentence


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{not json", "facebook.json"),
        ("", "empty"),
        ("[]", "facebook.json"),
        ('[{"id": "1", "shortCode": "x", "caption": "Hi", "ownerUsername": "tea"}]', "nstagram"),
        ('{"hello": "world"}', "facebook.json"),
    ],
)
def test_an_export_that_is_none(tmp_path: Path, content: str, named: str) -> None:
    configure(tmp_path, '[social]\nfacebook_exports = ["facebook.json"]')
    (tmp_path / "facebook.json").write_text(content)
    assert named in fails(tmp_path, "scrape", code=1)


def test_an_export_that_is_not_there(tmp_path: Path) -> None:
    configure(tmp_path, '[social]\nfacebook_exports = ["facebook.json"]')
    assert "facebook.json" in fails(tmp_path, "scrape", code=2)


def test_an_actor_without_a_token(tmp_path: Path) -> None:
    configure(tmp_path, '[social]\nfacebook_pages = ["https://www.facebook.com/tea"]')
    assert "APIFY_TOKEN" in fails(tmp_path, "scrape", code=2)


def test_an_empty_data_set(tmp_path: Path) -> None:
    configure(tmp_path, '[social]\nfacebook_exports = ["facebook.json"]')
    (tmp_path / "facebook.json").write_text(json.dumps([FACEBOOK]))
    subprocess.run([sys.executable, "-m", "onbrand", "scrape"], cwd=tmp_path, check=True)
    assert "1" in fails(tmp_path, "build", code=1)


@pytest.mark.parametrize("base", ["no such model!", "missing/folder/somewhere"])
def test_a_base_model_that_does_not_exist(tmp_path: Path, base: str) -> None:
    configure(tmp_path, f'[model]\nbase = "{base}"')
    made = Manifest(command="build", config_hash="", started_at=now(), finished_at=now())
    write_manifest(tmp_path / "dataset", made)
    sentence = fails(tmp_path, "tune", code=2)
    assert base in sentence
    assert "no folder" in sentence


@pytest.mark.parametrize(
    ("command", "before"),
    [
        ("build", "scrape"),
        ("tune", "build"),
        ("merge", "tune"),
        ("eval", "build"),
        ("serve", "merge"),
    ],
)
def test_a_stage_before_the_one_it_needs(
    tmp_path: Path, tiny_llama: Path, command: str, before: str
) -> None:
    configure(tmp_path, f'[model]\nbase = "{tiny_llama}"')
    assert f"`onbrand {before}`" in fails(tmp_path, command, code=1)


def test_a_port_in_use(tmp_path: Path, tiny_llama: Path) -> None:
    merged = shutil.copytree(tiny_llama, tmp_path / "models" / "merged")
    made = Manifest(
        command="merge", config_hash="", output_hash="x", started_at=now(), finished_at=now()
    )
    write_manifest(merged, made)
    verification = tmp_path / "models" / "merged-verification.json"
    verification.write_text('{"passed": true, "merged": "x"}')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        configure(tmp_path, f"[serving]\nport = {port}")
        assert f"127.0.0.1:{port}" in fails(tmp_path, "serve", code=1)
