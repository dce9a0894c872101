"""Where runs are recorded: MLflow's database in the workspace, or an MLflow server.

All that has to be known about MLflow's own settings stands here: bounded requests, no telemetry, no
chatter. The library is imported when a store is opened, which takes seconds.
"""

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from onbrand.errors import UsageError
from onbrand.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # a server could ask for an hour
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""MLflow's environment variables, seconds where they are times; one that is set stays as it is.

https://mlflow.org/docs/latest/api_reference/python_api/mlflow.environment_variables.html
"""

_LOGGERS = ("mlflow", "alembic", "urllib3")
"""They would tell of every retry; what a person has to know is said once, by the caller."""


@dataclass(frozen=True)
class Store:
    """An experiment, and the client that records runs in it."""

    client: "MlflowClient"
    experiment_id: str
    local: bool
    """True: the workspace's own folder."""

    def create_run(self, name: str, tags: dict[str, str]) -> str:
        """Start a run; returns its id."""
        run = self.client.create_run(self.experiment_id, run_name=name, tags=tags)
        return str(run.info.run_id)

    def status_of(self, run_id: str) -> str:
        """RUNNING, FINISHED, FAILED or KILLED; empty where the experiment has no such run."""
        if not run_id:
            return ""
        runs = self.client.search_runs([self.experiment_id], f"attributes.run_id = '{run_id}'")
        return str(runs[0].info.status) if runs else ""


def checked_uri(workspace: Workspace) -> str:
    """`[tracking] uri` without a slash at its end; empty for the workspace's folder.

    Raises:
        UsageError: it is no http or https URL, or holds a user name, password or query.
    """
    uri = workspace.config.tracking.uri.rstrip("/")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise UsageError(f"tracking.uri cannot be read as a URL ({error}); correct it.") from error
    if "@" in uri or parts.query:
        raise UsageError(
            "tracking.uri holds a user name, password or query; leave them out and set "
            "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
            "in the environment."
        )
    if uri and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise UsageError(
            f"tracking.uri = {uri!r} is no MLflow server; it is to start with http:// or https://, "
            "or to be empty for the folder models/mlflow."
        )
    return uri


def open_store(workspace: Workspace, uri: str) -> Store:
    """Connect to the server at `uri`, or to `models/mlflow/` where that is empty.

    Makes database and experiment where they are not there yet. Raises whatever MLflow raises.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = workspace.config.tracking
    name = settings.experiment or workspace.config.brand.name or "onbrand"
    if uri:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return Store(client, _experiment(client, [name], None), local=False)
    folder = workspace.adapter.with_name("mlflow")
    folder.mkdir(parents=True, exist_ok=True)
    database = f"sqlite:///{folder / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=database, registry_uri=database)
    names = [name, f"{name} in {workspace.root}"]
    return Store(client, _experiment(client, names, (folder / "artifacts").as_uri()), local=True)


def _experiment(client: "MlflowClient", names: list[str], artifacts: str | None) -> str:
    """The id of the first experiment of these names that keeps its artifacts there; made if needed.

    MLflow notes the absolute place. So a workspace that was moved or copied takes the second name,
    and nothing is written where the workspace was.
    """
    for name in names:
        found = client.get_experiment_by_name(name)
        if found is None:
            return str(client.create_experiment(name, artifact_location=artifacts))
        if artifacts in (None, found.artifact_location):
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)
    raise LookupError(f"the experiments {names} keep their artifacts elsewhere than {artifacts}")


def trouble(uri: str, error: Exception) -> str:
    """One sentence on what failed. Never MLflow's own words about a server: they quote requests."""
    if not uri or isinstance(error, ImportError):
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        return f"MLflow cannot record in {uri or 'models/mlflow'}: {reason}."
    code = getattr(error, "error_code", type(error).__name__)
    if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return (
            f"The MLflow server {uri} refuses the credentials; set MLFLOW_TRACKING_TOKEN, or "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, in the environment."
        )
    from requests.exceptions import RequestException, RetryError

    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, RequestException) and not isinstance(cause, RetryError):
        return f"The MLflow server {uri} cannot be reached or does not answer in time."
    return f"The MLflow server {uri} answers with an error ({code})."
