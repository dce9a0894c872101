"""`onbrand eval` and `onbrand eval compare`: models continue the test split side by side."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from eval.models.named import Named, resolve_all
from eval.report.schema import parse_report
from onbrand.artifact import (
    Manifest,
    Outcome,
    now,
    read_manifest,
    required_manifest,
    up_to_date,
)
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

KIND: Literal["half-split"] = "half-split"
COMPARISON: Literal["comparison"] = "comparison"


@dataclass(frozen=True)
class JudgedBy:
    """A judge model, and how much it is asked."""

    url: str
    texts: int


def evaluate(workspace: Workspace, base: Path, *, force: bool = False) -> Outcome:
    """Measure the merged model against the base model in `base`; write a report folder.

    A killed run goes on where it was: what the models answered is kept in `reports/cache`.
    `force` repeats everything, also what is kept there.

    Raises:
        OnbrandError: no data set, an empty test split, no merged model, a model that cannot be
            loaded, or tokenizers that differ.
    """
    dataset = _dataset_hash(workspace)
    named = resolve_all(("base", "tuned"), workspace, base)
    inputs = {"dataset": dataset, "merged": named[1].hash, "base": named[0].hash}
    config_hash = workspace.config.hash_for("report")
    newest = newest_report(workspace)
    current = newest and up_to_date(newest, config_hash, inputs)
    if current and not force:
        return Outcome(current, was_current=True)
    manifest = _manifest(workspace, "eval", config_hash, inputs)
    return _run(workspace, base, named, manifest, None, force)


def compare(
    workspace: Workspace,
    base: Path,
    specs: Sequence[str],
    judge: JudgedBy | None = None,
    *,
    force: bool = False,
) -> Outcome:
    """Measure any models on the same prompts; write a report folder.

    Args:
        workspace: data set, settings, cache.
        base: folder of the base model, whose tokenizer decides the split.
        specs: the models, each in one of `eval.models.named.FORMS`.
        judge: who is asked which continuations it prefers; None: nobody.
        force: repeat everything, also what is cached.

    Raises:
        UsageError: a model that cannot be right.
        OnbrandError: as `evaluate`; a server that is not there or busy for too long.
    """
    dataset = _dataset_hash(workspace)
    named = resolve_all(specs, workspace, base)
    inputs = {"dataset": dataset} | {f"model {one.name}": one.hash for one in named}
    options = hashlib.sha256(
        json.dumps([list(specs), [judge.url, judge.texts] if judge else None]).encode()
    )
    config_hash = f"{workspace.config.hash_for('report')}+{options.hexdigest()}"
    newest = newest_report(workspace, COMPARISON)
    current = newest and up_to_date(newest, config_hash, inputs)
    # A server may have been given another model, and a file another content.
    can_be_current = all(one.hash for one in named) and judge is None
    if current and can_be_current and not force:
        return Outcome(current, was_current=True)
    manifest = _manifest(workspace, "eval compare", config_hash, inputs)
    return _run(workspace, base, named, manifest, judge, force)


def score_again(workspace: Workspace, folder: Path) -> Outcome:
    """Score what a report's folder holds once more, without any model, and write it anew.

    Raises:
        OnbrandError: the folder lacks a stage's file, or one was written by another version.
    """
    from eval.generate.stage_files import read_stages
    from eval.report.write import write_report

    generated = read_stages(folder)
    manifest = required_manifest(folder, "report", "eval")
    return Outcome(write_report(workspace, folder, generated, manifest), was_current=False)


def newest_report(
    workspace: Workspace, kind: Literal["half-split", "comparison"] = KIND
) -> Path | None:
    """The folder of the newest report of that kind; None when there is none."""
    return max(workspace.reports.glob(f"*-{kind}"), default=None)


def _run(
    workspace: Workspace,
    base: Path,
    named: Sequence[Named],
    manifest: Manifest,
    judge: JudgedBy | None,
    force: bool,
) -> Outcome:
    """Generate, ask the judge, score, write; `manifest` holds what is known before."""
    # Only now, since torch and its like take seconds to import.
    from eval.compare.judge import ask_judge
    from eval.report.tracking import record
    from eval.report.write import write_report
    from eval.run import generated_by

    kind = COMPARISON if manifest.command == "eval compare" else KIND
    generated = generated_by(workspace, base, named, kind, forget=force)
    if judge:
        generated.verdicts = ask_judge(workspace, generated, judge.url, judge.texts, forget=force)
    folder = workspace.reports / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{kind}"
    done = write_report(workspace, folder, generated, manifest)
    record(workspace, folder, parse_report(done.details["report"], folder))
    return Outcome(done, was_current=False)


def _manifest(
    workspace: Workspace, command: str, config_hash: str, inputs: dict[str, str]
) -> Manifest:
    return Manifest(
        command=command,
        config_hash=config_hash,
        inputs=inputs,
        seed=workspace.config.eval.seed,
        started_at=now(),
        finished_at="",
    )


def _dataset_hash(workspace: Workspace) -> str:
    dataset = read_manifest(workspace.dataset)
    if dataset is None:
        raise OnbrandError(
            f"There is no data set in {workspace.dataset}; run `onbrand build` first."
        )
    return dataset.output_hash
