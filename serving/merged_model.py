"""The merged model that an engine here serves: there, whole, and known to be the trained one."""

import json
from pathlib import Path

from onbrand.artifact import read_manifest
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


def check_merged(workspace: Workspace, force: bool) -> str:
    """The merged model's hash; refuses one that is not known to be the model that was trained.

    Raises:
        OnbrandError: there is none, or (unless `force`) it was not verified.
    """
    if not (workspace.merged / "config.json").is_file():
        raise OnbrandError(
            f"There is no merged model in {workspace.merged}; run `onbrand merge` first."
        )
    manifest = read_manifest(workspace.merged)
    model_hash = manifest.output_hash if manifest else ""
    if manifest is None:
        doubt = f"The merge of {workspace.merged} did not finish; run `onbrand merge`"
    else:
        doubt = _doubt(workspace.verification, model_hash)
    if doubt and not force:
        raise OnbrandError(f"{doubt}, or serve it all the same with --force.")
    return model_hash


def _doubt(path: Path, model_hash: str) -> str:
    """What the verification in `path` says against the merged model; empty: nothing."""
    again = "run `onbrand merge --force`"
    try:
        verification = json.loads(path.read_text(encoding="utf-8"))
        merged, passed = verification.get("merged"), verification["passed"]
    except FileNotFoundError:
        return f"{path} is not there, so the merged model was never verified; {again}"
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return f"{path} cannot be read; {again}"
    if merged != model_hash:
        return f"{path} speaks of another merged model than the one that is there; {again}"
    if passed is not True:
        return f"The merged model failed its verification ({path}); {again}"
    return ""
