"""Killed at any moment and run again, an evaluation ends in the same bytes."""

import multiprocessing
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.evaluate import evaluate, newest_report
from onbrand.workspace import Workspace
from tests.eval.test_evaluate import without_times

LIBRARIES = ["eval.run", "eval.report.write", "transformers.models.llama.modeling_llama"]


def cached(workspace: Workspace) -> list[str]:
    files = sorted((workspace.reports / "cache").glob("*.jsonl"))
    return [line for file in files for line in file.read_text().splitlines() if line]


MOMENTS: dict[str, Callable[[Workspace], object]] = {
    "the first batch": cached,
    "the base model's continuations": lambda space: len(cached(space)) > 25,
    "the second model": lambda space: len(list((space.reports / "cache").glob("*.jsonl"))) > 1,
    "the report": lambda space: list(space.reports.glob("*.partial")),
}


@pytest.mark.slow
def test_killed_at_any_moment_and_run_again(
    make_workspace: Callable[..., Workspace],
    base_folder: Path,
    texts: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A process of its own that can be killed, forked from one that has loaded the libraries.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(LIBRARIES)
    workspace = make_workspace(texts[-10:])
    whole = evaluate(workspace, base_folder)
    whole_texts = without_times(workspace.root / whole.manifest.details["folder"])
    for moment, is_there in MOMENTS.items():
        shutil.rmtree(workspace.reports, ignore_errors=True)
        run = processes.Process(target=evaluate, args=(Workspace(workspace.root), base_folder))
        run.start()
        while not is_there(workspace) and run.is_alive():
            time.sleep(0.002)
        run.kill()
        run.join()
        assert run.exitcode == -signal.SIGKILL, f"it was killed at {moment}"
        assert moment == "the report" or newest_report(workspace) is None
        before = cached(workspace)
        resumed = evaluate(workspace, base_folder)
        after = cached(workspace)
        assert set(before[:-1]) <= set(after), "what was known is not asked again"
        folder = workspace.root / resumed.manifest.details["folder"]
        assert without_times(folder) == whole_texts
        assert whole.manifest.output_hash == resumed.manifest.output_hash
        assert list(workspace.reports.glob("*.partial")) == []
