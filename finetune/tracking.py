"""A tuning's record in MLflow: parameters, metrics, artifacts.

Tracking never stops training and takes little of its time. What is recorded is sent at checkpoints;
where that fails, one warning is printed, training goes on, and the next checkpoints send what is
missing. `log.jsonl` and `loss.png` beside the adapter hold the figures in any case.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from onbrand import __version__
from onbrand.artifact import now
from onbrand.atomic import write_text
from onbrand.console import notes
from onbrand.tracking_store import Store, checked_uri, open_store, trouble
from onbrand.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.entities import Metric

_SECTIONS = ("brand", "model", "examples", "tune")
"""Of `brand.toml`, recorded as parameters."""

_ROWS_PER_REQUEST = 100
"""MLflow takes 1,000 metrics in a request; a row holds up to ten."""

_LONGEST_PARAMETER = 6000
"""Characters; MLflow refuses longer ones."""

_REST = 20
"""After a failure the store is left alone for this many times what the failure took."""


def open_run(
    workspace: Workspace, *, resumed: bool = False, parameters: Mapping[str, object] | None = None
) -> "Run":
    """Start the record of a tuning, or go on with the one that was interrupted.

    `resumed` says that a checkpoint of this very tuning was loaded; `parameters` are recorded
    beside the settings. `models/tracking.json` names the run until it has ended.

    Raises:
        UsageError: `[tracking] uri` cannot be right.
    """
    run = Run(workspace, checked_uri(workspace), resumed, parameters or {})
    run.open()
    return run


class Run:
    """One run; a context manager that ends it as finished, failed or killed.

    Does nothing where tracking is switched off, and as much as it can where the store fails.
    """

    def __init__(
        self, workspace: Workspace, uri: str, resumed: bool, parameters: Mapping[str, object]
    ) -> None:
        self.id = ""
        """MLflow's id of the run; empty as long as none could be made."""
        self._workspace = workspace
        self._uri = uri
        self._enabled = workspace.config.tracking.enabled
        self._resumed = resumed
        self._reference = _Reference(workspace)
        self._earlier = self._reference.read(uri)
        if not resumed:
            self._reference.remove()
        self._parameters = _settings(workspace) | dict(parameters)
        self._rows: Sequence[Mapping[str, float]] = []
        self._given_at: dict[float, int] = {}  # by step; what is sent twice is then the same
        self._artifacts: list[Path] = []
        self._store: Store | None = None
        self._last_sent: int | None = None
        self._rest_until = 0.0
        self._warned = False

    def open(self) -> None:
        """Make the run, or find the one to go on with."""
        self._attempt(lambda store: None)

    def metrics(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Send the rows of the log, one a step, that the store does not have yet.

        A row is its `step` and any figures. Give the whole log each time, after the checkpoint was
        written: then a resumed run doubles no step and leaves none out.
        """
        self._rows = list(rows)
        for row in rows:
            self._given_at.setdefault(row["step"], int(time.time() * 1000))
        if time.monotonic() >= self._rest_until:
            self._attempt(self._send_rows)

    def artifact(self, path: Path) -> None:
        """Remember a file; it is sent when the run ends."""
        self._artifacts.append(path)

    def finish(self, status: str = "FINISHED") -> None:
        """Send what is missing, and the status: FINISHED, FAILED or KILLED."""
        if self._attempt(self._send_rows):
            self._attempt(self._send_artifacts)
            self._attempt(lambda store: store.client.set_terminated(self.id, status))
        if status == "FINISHED":
            self._reference.remove()

    def __enter__(self) -> Self:  # noqa: D105
        return self

    def __exit__(  # noqa: D105
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.finish("FAILED" if isinstance(error, Exception) else "KILLED")

    def _attempt(self, action: Callable[[Store], None]) -> bool:
        """Do something with the store, after what has not worked so far; False where it fails."""
        if not self._enabled:
            return False
        started = time.monotonic()
        try:
            store = self._store = self._store or open_store(self._workspace, self._uri)
            self.id = self.id or self._begin(store)
            self._send_parameters(store)
            action(store)
        except Exception as error:
            self._last_sent = None  # a request may have arrived without an answer: ask again
            self._rest_until = time.monotonic() + _REST * (time.monotonic() - started)
            if not self._warned:
                said = f"{trouble(self._uri, error)} Tuning goes on; log.jsonl has the figures."
                notes.print(said, style="yellow", markup=False)
            self._warned = True
            return False
        return True

    def _begin(self, store: Store) -> str:
        """The id of the run to go on with, or of a new one."""
        status = store.status_of(self._earlier)
        if self._resumed and status:
            store.client.update_run(self._earlier, status="RUNNING")
            self._parameters = {}
            return self._earlier
        if status == "RUNNING":
            store.client.set_terminated(self._earlier, "KILLED")
        run_id = store.create_run(f"tune {now()}", {"onbrand.version": __version__})
        self._reference.write(self._uri, run_id)
        return run_id

    def _send_parameters(self, store: Store) -> None:
        from mlflow.entities import Param

        if self._parameters:
            parameters = [
                Param(key, str(value)[:_LONGEST_PARAMETER])
                for key, value in self._parameters.items()
            ]
            store.client.log_batch(self.id, params=parameters, synchronous=True)
            self._parameters = {}

    def _send_rows(self, store: Store) -> None:
        if self._last_sent is None:
            history = store.client.get_metric_history(self.id, "loss")
            self._last_sent = max((metric.step for metric in history), default=0)
        missing = [row for row in self._rows if row["step"] > self._last_sent]
        for start in range(0, len(missing), _ROWS_PER_REQUEST):
            rows = missing[start : start + _ROWS_PER_REQUEST]
            metrics = [metric for row in rows for metric in self._metrics(row)]
            store.client.log_batch(self.id, metrics=metrics, synchronous=True)
            self._last_sent = int(rows[-1]["step"])

    def _metrics(self, row: Mapping[str, float]) -> "list[Metric]":
        from mlflow.entities import Metric

        step = row["step"]
        moment = self._given_at[step]
        return [
            Metric(key, value, moment, int(step)) for key, value in row.items() if key != "step"
        ]

    def _send_artifacts(self, store: Store) -> None:
        for path in self._artifacts:
            store.client.log_artifact(self.id, str(path))


class _Reference:
    """`models/tracking.json`: which run the unfinished tuning is recorded in, and where."""

    def __init__(self, workspace: Workspace) -> None:
        self._path = workspace.adapter.with_name("tracking.json")

    def read(self, uri: str) -> str:
        """The run's id; empty where there is none at this store."""
        try:
            reference = json.loads(self._path.read_text(encoding="utf-8"))
            return str(reference["run"]) if reference["uri"] == uri else ""
        except (OSError, ValueError, LookupError, TypeError):
            return ""

    def write(self, uri: str, run_id: str) -> None:
        write_text(self._path, json.dumps({"uri": uri, "run": run_id}) + "\n")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _settings(workspace: Workspace) -> dict[str, object]:
    """The effective settings as flat keys, such as `tune.rank`."""
    values: dict[str, Any] = workspace.config.model_dump(mode="json")
    return {
        f"{section}.{key}": value for section in _SECTIONS for key, value in values[section].items()
    }
