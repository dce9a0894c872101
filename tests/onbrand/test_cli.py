"""The command line as a person meets it: in a process of its own."""

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from onbrand import __version__
from onbrand.cli import main


def onbrand(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onbrand", *arguments],
        cwd=cwd,
        env=os.environ | {"COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
    )


def processor_seconds(command: list[str], cwd: Path) -> float:
    """The least of five runs; processor time, so that a busy machine does not count."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(seconds)


def test_help_is_instant(tmp_path: Path) -> None:
    """Half a second; where the machine is slow, three times what its libraries alone take."""
    libraries = "import packaging.requirements, pydantic, rich.console, rich.table, typer"
    least = processor_seconds([sys.executable, "-c", libraries], tmp_path)
    assert processor_seconds([sys.executable, "-m", "onbrand", "--help"], tmp_path) < max(
        0.5, 3 * least
    )


def test_the_command_line_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = {"torch", "transformers", "datasets", "httpx", "trafilatura", "fastapi", "numpy"}
    code = f"import sys, onbrand.cli.app; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "module",
    [
        "scraper.scrape",
        "scraper.build",
        "bots.terminal",
        "bots.slack.bot",
        "bots.discord.bot",
        "bots.run",
        "serving.serve",
        "serving.gateway.app",
    ],
)
def test_no_torch_where_none_is_needed(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_version(tmp_path: Path) -> None:
    assert onbrand("--version", cwd=tmp_path).stdout == f"onbrand {__version__}\n"


def test_no_workspace_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    for command in ("run", "scrape", "build", "tune", "merge", "eval", "serve", "status", "config"):
        result = onbrand(command, cwd=tmp_path)
        assert result.returncode == 2
        assert result.stderr.startswith("Error: No brand.toml in ")
        assert result.stderr.count("\n") == 1


def test_init_config_status(tmp_path: Path) -> None:
    assert onbrand("init", "tea", "--name", "Tea & Sons", cwd=tmp_path).returncode == 0
    again = onbrand("init", "tea", cwd=tmp_path)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    effective = json.loads(onbrand("-w", "tea", "config", "--json", cwd=tmp_path).stdout)
    assert effective[0] | {"meaning": ""} == {
        "key": "brand.name",
        "value": "Tea & Sons",
        "from": "brand.toml",
        "meaning": "",
    }
    assert effective[1]["from"] == "default"
    shown = onbrand("-w", "tea", "config", cwd=tmp_path).stdout
    assert "brand.name" in shown
    rows = json.loads(onbrand("-w", "tea", "status", "--json", cwd=tmp_path).stdout)
    assert {row["state"] for row in rows} == {"missing"}


def test_a_workspace_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    (tmp_path / "brand.toml").touch()
    below = tmp_path / "raw" / "deep"
    below.mkdir(parents=True)
    assert onbrand("status", cwd=below).returncode == 0


def test_a_site_that_is_no_url_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    result = onbrand("init", "brand", "--site", "notaurl", cwd=tmp_path)
    assert result.returncode == 2
    assert "--site notaurl is no http or https URL" in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "brand.toml").write_text("[website]\nstart_url = []\n")
    result = onbrand("run", cwd=tmp_path)
    assert result.returncode == 2
    assert "unknown key website.start_url; did you mean website.start_urls?" in result.stderr


@pytest.mark.parametrize(
    ("error", "sentence", "code"),
    [
        (ValueError("odd"), "Unexpected ValueError: odd. Run it again with --debug.", 1),
        (OSError(errno.ENOSPC, "No space left", "raw/x"), "The disk is full (raw/x);", 1),
        (PermissionError(errno.EACCES, "Permission denied", "raw/x"), "Permission denied", 1),
        (ModuleNotFoundError("No module named 'torch'"), "`onbrand doctor` names the ones", 2),
    ],
)
def test_every_error_ends_as_one_sentence(
    error: Exception,
    sentence: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("onbrand.cli.app.app", fail)
    monkeypatch.setattr(sys, "argv", ["onbrand", "run"])
    with pytest.raises(SystemExit) as left:
        main()
    shown = capsys.readouterr().err
    assert left.value.code == code
    assert sentence in shown
    assert "Traceback" not in shown


STOPPED = """
import importlib.abc, os, signal, sys

MODULE = sys.argv.pop(1)

class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == MODULE:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
sys.meta_path.insert(0, Stop())
from onbrand.cli import main
main()
"""


@pytest.mark.parametrize("module", ["typer", "onbrand.cli.stages", "finetune.tune"])
def test_stopping_it_while_it_imports_shows_no_traceback(tmp_path: Path, module: str) -> None:
    (tmp_path / "brand.toml").touch()
    command = [sys.executable, "-c", STOPPED, module, "tune"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (130, "")
    assert result.stderr in ("Stopped.\n", "")  # Typer says nothing where a command runs


def test_debug_is_accepted_after_the_command_too(tmp_path: Path) -> None:
    result = onbrand("status", "--debug", cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" in result.stderr


def test_doctor_says_what_is_missing_and_how_to_mend_it(tmp_path: Path) -> None:
    result = onbrand("doctor", "--json", cwd=tmp_path, PATH="/nowhere", APIFY_TOKEN="secret-token")
    findings = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert findings["Chromium"]["state"] == "optional"
    assert "apt-get install" in findings["Chromium"]["mend"]
    assert findings["packages: finetune"]["state"] == "ok"
    assert findings["APIFY_TOKEN"]["found"] == "set"
    assert "secret-token" not in result.stdout


def test_doctor_looks_for_vllm_where_the_settings_say(tmp_path: Path) -> None:
    def found() -> dict[str, str]:
        listed = json.loads(onbrand("doctor", "--json", cwd=tmp_path).stdout)
        return next(finding for finding in listed if finding["what"] == "vLLM")

    assert "make vllm-cpu" in found()["mend"]
    package = tmp_path / "packages" / "vllm-9.8.7.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 9.8.7\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={package.parent} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "brand.toml").write_text(f'[brand]\nname = "Salt"\n[vllm]\npython = "{python}"\n')
    assert found()["found"] == f"9.8.7 ({python})"


def test_models_lists_the_embedded_one(tmp_path: Path) -> None:
    [model] = json.loads(onbrand("models", "list", "--json", cwd=tmp_path).stdout)
    assert model["name"] == "smollm2-135m"


def test_a_base_model_that_does_not_exist(tmp_path: Path) -> None:
    result = onbrand("models", "fetch", "no such model!", cwd=tmp_path)
    assert result.returncode == 2
    assert "no embedded model (smollm2-135m), no folder, and no hub id" in result.stderr
