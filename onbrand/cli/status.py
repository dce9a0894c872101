"""`onbrand status`: what exists, from what, how old."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from finetune.verification import Verification, read_verification
from onbrand.artifact import Manifest, read_manifest
from onbrand.cli.common import AsJson, summary, workspace_of
from onbrand.console import results
from onbrand.workspace import Workspace


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what exists, what it was made from, and how old it is."""
    rows = overview(workspace_of(context))
    if as_json:
        results.print_json(data=rows)
        return
    table = Table(box=None)
    for heading in ("artifact", "state", "age", "made from", "figures"):
        table.add_column(heading)
    colours = {"current": "green", "missing": "red", "failed": "red", "stale": "yellow"}
    for row in rows:
        colour = colours[row["state"]]
        table.add_row(
            row["artifact"],
            f"[{colour}]{row['state']}[/{colour}]",
            row["age"],
            ", ".join(row["inputs"]),
            row["figures"],
        )
    results.print(table)


def overview(workspace: Workspace) -> list[dict[str, Any]]:
    """A row per artifact: its state is `current`, `missing`, `stale`, or `failed`.

    Stale: the settings or an artifact it was made from have changed since. Failed: the merged model
    is there, but is not the one that was trained.
    """
    found = {
        "raw": read_manifest(workspace.raw),
        "clean": read_manifest(workspace.clean),
        "dataset": read_manifest(workspace.dataset),
        "adapter": read_manifest(workspace.adapter),
        "merged": read_manifest(workspace.merged),
        "report": _newest_report(workspace),
    }
    rows = {name: _row(name, found, workspace) for name in found}
    rows["adapter"] |= _unfinished(rows["adapter"], workspace)
    rows["merged"] |= _verified(found["merged"], workspace)
    return list(rows.values())


def _row(name: str, found: dict[str, Manifest | None], workspace: Workspace) -> dict[str, Any]:
    manifest = found[name]
    if manifest is None:
        return {"artifact": name, "state": "missing", "age": "", "inputs": [], "figures": ""}
    settings = manifest.config_hash.partition("+")[0]  # behind it stand a command's options
    stale = settings != workspace.config.hash_for(name) or any(
        made_from.output_hash != manifest.inputs[source]
        for source, made_from in found.items()
        if made_from is not None and source in manifest.inputs
    )
    age = datetime.now(UTC) - datetime.fromisoformat(manifest.finished_at)
    return {
        "artifact": name,
        "state": "stale" if stale else "current",
        "age": _readable(age),
        "inputs": sorted(manifest.inputs),
        "figures": summary(manifest),
        "finished_at": manifest.finished_at,
    }


def _unfinished(row: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """What a row about the adapter says besides of a tuning that has not come to its end."""
    step = tuned_steps(workspace.adapter.with_name("adapter.checkpoint"))
    if not step:
        return {}
    said = (
        f"a tuning is unfinished after step {step}; `onbrand tune` goes on from there unless "
        "settings or data have changed"
    )
    figures = f"{said}; {row['figures']}" if row["figures"] else said
    return {"figures": figures, "checkpoint_step": step}


def tuned_steps(checkpoint: Path) -> int:
    """The step that the checkpoint of an unfinished tuning holds; 0 where there is none.

    Reads one number of the state that `finetune.checkpoint` writes, whose own reader brings torch.
    A kill while the checkpoint is renewed leaves it beside its place, under `.old`.
    """
    for folder in (checkpoint, checkpoint.with_name(checkpoint.name + ".old")):
        try:
            state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            return int(state["step"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return 0


def _verified(manifest: Manifest | None, workspace: Workspace) -> dict[str, Any]:
    """What a row about the merged model says of its verification."""
    verification = read_verification(workspace.verification)
    if manifest is None:
        if verification is None or verification.passed:
            return {}
        failed = {"state": "failed", "figures": verification_line(verification)}
        return failed | {"verification": verification.model_dump(mode="json")}
    if verification is None:
        return {"figures": "not verified; run `onbrand merge --force`"}
    if verification.merged != manifest.output_hash:
        return {"figures": "verified before it was merged anew; run `onbrand merge --force`"}
    return {
        "figures": verification_line(verification),
        "verification": verification.model_dump(mode="json"),
    }


def verification_line(verification: Verification) -> str:
    """The verification in a line."""
    said = ["verified" if verification.passed else "verification failed"]
    said += [f"{check.name} {check.value:.3g}" for check in verification.failed]
    said.append(f"logits differ by {verification.distance_from_trained:.2g}")
    if verification.onto == "original":
        said.append("merged onto the original base")
    stops = verification.stops
    if stops.prompts:
        said.append(f"{stops.stopped} of {stops.prompts} answers end")
    if losses := verification.held_out_loss:
        figures = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
        said.append(f"held-out loss: {figures}")
    return "; ".join(said)


def _newest_report(workspace: Workspace) -> Manifest | None:
    manifests = [
        read_manifest(path.parent) for path in sorted(workspace.reports.glob("*/manifest.json"))
    ]
    return manifests[-1] if manifests else None


def _readable(age: timedelta) -> str:
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if age.total_seconds() >= seconds:
            return f"{int(age.total_seconds() // seconds)} {unit}"
    return f"{int(age.total_seconds())} s"
