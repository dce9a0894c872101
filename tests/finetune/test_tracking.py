import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finetune.tracking import open_run
from onbrand.errors import UsageError
from onbrand.tracking_store import open_store
from onbrand.workspace import Workspace
from tests.finetune.tracked import give_database

ROWS = [
    {"step": step, "loss": 3.0 / step, "learning_rate": 0.001, "tokens": 70, "seconds": 0.2}
    for step in range(1, 151)
]


def make_space(folder: Path, tracking: str = "") -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "brand.toml").write_text(
        f'[brand]\nname = "Saltmarsh"\n[tune]\nrank = 4\n[tracking]\n{tracking}\n'
    )
    return Workspace(folder)


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    space = make_space(tmp_path / "salt marsh")
    give_database(space)
    return space


def recorded(space: Workspace, run_id: str) -> Any:
    return open_store(space, "").client.get_run(run_id)


def steps(space: Workspace, run_id: str, key: str = "loss") -> list[int]:
    history = open_store(space, "").client.get_metric_history(run_id, key)
    return [metric.step for metric in history]


def test_a_run_is_read_back(space: Workspace, tmp_path: Path) -> None:
    plot = tmp_path / "loss.png"
    plot.write_bytes(b"a picture")
    with open_run(space, parameters={"device": "cpu"}) as run:
        run.metrics(ROWS[:50])
        assert steps(space, run.id) == list(range(1, 51)), "sent at the checkpoint, not at the end"
        run.metrics([*ROWS[:149], ROWS[149] | {"validation_loss": 0.5}])
        run.artifact(plot)
    found = recorded(space, run.id)
    assert found.info.status == "FINISHED"
    assert found.data.params["tune.rank"] == "4"
    assert found.data.params["device"] == "cpu"
    assert found.data.metrics["loss"] == pytest.approx(3.0 / 150)
    assert steps(space, run.id) == list(range(1, 151))
    assert steps(space, run.id, "validation_loss") == [150]
    files = [path for path in (space.root / "models/mlflow").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"mlflow.db", "loss.png"}
    assert not list(Path.cwd().iterdir()), "nothing is written where the command was started"
    assert not (space.root / "models/tracking.json").exists()


def test_a_killed_run_goes_on_without_a_step_doubled_or_lost(space: Workspace) -> None:
    killed = open_run(space)
    killed.metrics(ROWS[:20])  # the next checkpoint, at 25, was written but not sent
    run_id = json.loads((space.root / "models/tracking.json").read_text())["run"]
    assert recorded(space, run_id).info.status == "RUNNING"

    with open_run(space, resumed=True) as run:
        assert run.id == killed.id
        run.metrics(ROWS[:30])
    assert steps(space, run.id) == list(range(1, 31))
    assert recorded(space, run.id).info.status == "FINISHED"


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_an_interrupted_run_says_so_and_goes_on(
    space: Workspace, error: type[BaseException], status: str
) -> None:
    run = open_run(space)
    with pytest.raises(error), run:
        raise error
    assert recorded(space, run.id).info.status == status
    again = open_run(space, resumed=True)
    assert again.id == run.id
    assert recorded(space, run.id).info.status == "RUNNING"


def test_a_new_tuning_is_a_new_run(space: Workspace) -> None:
    killed = open_run(space)
    run = open_run(space)
    assert run.id != killed.id
    assert recorded(space, killed.id).info.status == "KILLED"
    assert open_run(space, resumed=True).id == run.id


def test_a_run_that_was_deleted_is_not_gone_on_with(space: Workspace) -> None:
    deleted = open_run(space)
    open_store(space, "").client.delete_run(deleted.id)
    with open_run(space, resumed=True) as run:
        run.metrics(ROWS[:3])
    assert run.id != deleted.id
    assert steps(space, run.id) == [1, 2, 3]


def test_a_copied_workspace_writes_nothing_into_the_first(space: Workspace, tmp_path: Path) -> None:
    with open_run(space) as first:
        first.metrics(ROWS[:3])
    copy = Workspace(tmp_path / "copy")
    shutil.copytree(space.root, copy.root)
    before = sorted(space.root.rglob("*"))
    for _ in range(2):
        with open_run(copy) as run:
            run.metrics(ROWS[:3])
            run.artifact(copy.root / "brand.toml")
        assert recorded(copy, run.id).info.artifact_uri.startswith(copy.root.as_uri())
    assert sorted(space.root.rglob("*")) == before


def test_switched_off(tmp_path: Path) -> None:
    space = make_space(tmp_path, "enabled = false")
    with open_run(space) as run:
        run.metrics(ROWS[:3])
    assert run.id == ""
    assert [path.name for path in tmp_path.iterdir()] == ["brand.toml"]


def test_a_damaged_database_is_told_once(
    space: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    (space.root / "models/mlflow/mlflow.db").write_bytes(b"no database " * 400)
    with open_run(space) as run:
        run.metrics(ROWS[:3])
        run.metrics(ROWS[:6])
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("MLflow cannot record in models/mlflow") == 1
    assert "file is not a database" in said
    assert said.endswith("Tuning goes on; log.jsonl has the figures.")


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("http://anna:hunter2@localhost:5000", "user name, password or query"),
        ("https://localhost:5000/?token=hunter2", "user name, password or query"),
        ("localhost:5000", "'localhost:5000' is no MLflow server"),
        ("sqlite:///runs.db", "to start with http:// or https://"),
        ("http://[::1", "cannot be read as a URL"),
    ],
)
def test_a_uri_that_cannot_be_right(tmp_path: Path, uri: str, named: str) -> None:
    with pytest.raises(UsageError, match=r"tracking\.uri") as raised:
        open_run(make_space(tmp_path, f'uri = "{uri}"'))
    assert named in str(raised.value)
    assert "hunter2" not in str(raised.value)


_WATCHED = """
import sys
from pathlib import Path

events = []
sys.addaudithook(
    lambda name, args: events.append((name, str(args)[:200]))
    if name in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn")
    else None
)
from onbrand.workspace import Workspace
from finetune.tracking import open_run

with open_run(Workspace(Path(sys.argv[1]))) as run:
    run.metrics([{"step": 1, "loss": 1.0}])
assert run.id
print([event for event in events if "uname" not in event[1]])
"""


@pytest.mark.slow
def test_the_local_store_asks_nobody_and_says_nothing(tmp_path: Path) -> None:
    space = make_space(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", _WATCHED, str(space.root)],
        cwd=Path(__file__).parents[2],
        env={"PATH": "/usr/bin:/bin", "HOME": str(space.root)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "[]\n"


def test_mlflow_is_imported_only_when_a_run_is_opened() -> None:
    code = (
        "import sys, finetune.tracking, finetune.registry, onbrand.cli.app;"
        "print('mlflow' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert ran.stdout == "False\n", ran.stderr
