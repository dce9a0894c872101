"""What `serve` opens before it answers: failures are sentences, and it can be stopped then."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from gateway_harness import free_port
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace
from serving.serve import serve


def elsewhere(root: Path, url: str = "http://127.0.0.1:1/v1") -> Workspace:
    (root / "brand.toml").write_text(
        f'[brand]\nname = "Saltmarsh"\n[serving]\nport = {free_port()}\nengine = "remote"\n'
        f'engine_url = "{url}"\n'
    )
    return Workspace(root)


@pytest.mark.parametrize(
    ("variable", "value", "kind", "says"),
    [
        ("STORE_URL", "mysql://me:inside@h/db", UsageError, "names mysql; use sqlite:///"),
        ("STORE_URL", "postgresql://me:inside@127.0.0.1:1/db", OnbrandError, "cannot be opened"),
        ("REDIS_URL", "nonsense", UsageError, "ONBRAND_REDIS_URL"),
        ("BROKER_URL", "amqp://me:inside@h", UsageError, "ONBRAND_BROKER_URL"),
        ("BROKER_URL", "redis://:1/inside@h/1", UsageError, "ONBRAND_BROKER_URL"),
    ],
)
def test_what_cannot_be_opened_ends_the_command_with_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    value: str,
    kind: type[OnbrandError],
    says: str,
) -> None:
    monkeypatch.setenv(f"ONBRAND_{variable}", value)
    with pytest.raises(OnbrandError, match=says) as failed:
        serve(elsewhere(tmp_path))
    assert type(failed.value) is kind
    assert "\n" not in str(failed.value)
    assert "inside" not in str(failed.value)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://h/v1", "http:///v1", "http://h:99999/v1", "http://[h/v1"]
)
def test_an_engine_url_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match=r"serving\.engine_url is .*no HTTP address"):
        serve(elsewhere(tmp_path, url))


def test_sigterm_while_it_still_opens_its_store(tmp_path: Path) -> None:
    elsewhere(tmp_path)
    taken = FileLock(tmp_path / ".serving.sqlite.lock")
    with taken:  # another gateway brings the tables up to date
        process = subprocess.Popen(
            [sys.executable, "-m", "onbrand", "-w", str(tmp_path), "serve"],
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(8)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said
    assert "Error" not in said
