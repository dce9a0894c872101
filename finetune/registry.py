"""The merged model in MLflow's model registry, with its verification.

In the workspace's own store a version points to `models/merged/`. A server takes no path of another
machine, and gigabytes are not sent to it: there a version points to its run's small files, and its
tags say on which machine the weights lie, where, and by which hash they are known.
"""

import json
import platform
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onbrand import __version__
from onbrand.artifact import MANIFEST_NAME, now, read_manifest
from onbrand.console import notes
from onbrand.tracking_store import Store, checked_uri, open_store, trouble
from onbrand.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

_FILES = ("README.md", MANIFEST_NAME, "config.json", "generation_config.json")
"""Of `models/merged/`: kept with the run, in the folder `merged`."""

_CURRENT = "current"
"""Alias of the version whose weights lie in `models/merged/`; the next merge replaces them."""


def register_merged(workspace: Workspace, failed: Path | None = None) -> None:
    """Record the merge with its verification; a model that passed becomes a registered version.

    Reads `models/merged-verification.json`, or the verification in `failed`, of a model that was
    not kept. Where the store fails, a warning is printed.

    Raises:
        UsageError: `[tracking] uri` cannot be right.
    """
    if not workspace.config.tracking.enabled:
        return
    uri = checked_uri(workspace)
    path = failed or workspace.verification
    try:
        verification = json.loads(path.read_text(encoding="utf-8"))
        store = open_store(workspace, uri)
        # A model that was not kept left no files.
        files = [] if failed else [workspace.merged / name for name in _FILES]
        run_id = _record(store, workspace, verification, [path, *files])
        if verification["passed"]:
            _register(store, workspace, verification["merged"], run_id)
    except Exception as error:
        again = "The merge is not recorded; `onbrand merge --force` records it."
        notes.print(f"{trouble(uri, error)} {again}", style="yellow", markup=False)


def model_name(brand: str) -> str:
    """The name in the registry: the brand's, without what MLflow does not take there."""
    return " ".join(re.sub(r"[/:]", " ", brand).split()) or "onbrand"


def _record(
    store: Store, workspace: Workspace, verification: dict[str, Any], files: list[Path]
) -> str:
    """A run with the figures and small files of the merge, below the tuning's run; returns its id.

    Finished where the verification passed, else failed.
    """
    from mlflow.entities import Metric, Param

    client, moment = store.client, int(time.time() * 1000)
    adapter = read_manifest(workspace.adapter)
    tuning = adapter.details.get("tracking", {}).get("run", "") if adapter else ""
    tags = {"onbrand.version": __version__}
    if tuning:
        tags["mlflow.parentRunId"] = tuning
    run_id = store.create_run(f"merge {now()}", tags)
    figures = {check["name"]: check["value"] for check in verification["checks"]}
    figures |= {f"{name}_loss": loss for name, loss in verification["held_out_loss"].items()}
    client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), moment, 0) for name, value in figures.items()],
        params=[
            Param("model.base", workspace.config.model.base),
            Param("merged", verification["merged"]),
        ],
        synchronous=True,
    )
    for path in files:
        if path.is_file():
            client.log_artifact(run_id, str(path), "merged")
    client.set_terminated(run_id, "FINISHED" if verification["passed"] else "FAILED")
    return run_id


def _register(store: Store, workspace: Workspace, merged_hash: str, run_id: str) -> None:
    """Make the next version and give it the alias `current`; the same model is not made twice."""
    client, name = store.client, model_name(workspace.config.brand.name)
    current = _current_version(store, name)
    if current and current.tags.get("onbrand.output_hash") == merged_hash:
        return
    artifacts = client.get_run(run_id).info.artifact_uri
    version = client.create_model_version(
        name,
        workspace.merged.as_uri() if store.local else f"{artifacts}/merged",
        run_id,
        tags={
            "onbrand.verification": "passed",
            "onbrand.output_hash": merged_hash,
            "onbrand.machine": platform.node(),
            "onbrand.folder": str(workspace.merged),
        },
        await_creation_for=0,
    )
    client.set_registered_model_alias(name, _CURRENT, version.version)
    if current:
        client.set_model_version_tag(name, current.version, "onbrand.replaced_by", version.version)


def _current_version(store: Store, name: str) -> "ModelVersion | None":
    """The version with the alias `current`; registers the name where it is not known yet."""
    from mlflow.exceptions import MlflowException

    try:
        store.client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    aliases = store.client.get_registered_model(name).aliases
    return store.client.get_model_version(name, aliases[_CURRENT]) if _CURRENT in aliases else None
