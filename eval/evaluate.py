"""`onbrand eval`: base and tuned continue the test split's texts, side by side."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from eval.page import render_page
from eval.report import REPORT_NAME, SAMPLES_NAME, Report, Sample, write_samples
from eval.table import print_table
from onbrand.artifact import Manifest, Outcome, now, read_manifest, up_to_date, write_manifest
from onbrand.atomic import atomic_folder
from onbrand.errors import OnbrandError
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace

__all__ = ["evaluate", "newest_report", "print_table"]

KIND = "half-split"


def evaluate(workspace: Workspace, base: Path, *, force: bool = False) -> Outcome:
    """Measure the merged model against the base model in `base`; write a report folder.

    A killed run goes on where it was: what the models answered is kept in `reports/cache`.
    `force` repeats everything, also what is kept there.

    Raises:
        OnbrandError: no data set, an empty test split, no merged model, a model that cannot be
            loaded, or tokenizers that differ.
    """
    started = now()
    config = workspace.config
    inputs = _inputs(workspace, base)
    config_hash = config.hash_for("report")
    newest = newest_report(workspace)
    current = newest and up_to_date(newest, config_hash, inputs)
    if current and not force:
        return Outcome(current, was_current=True)

    # Only now, since torch and its like take seconds to import.
    from eval.run import run

    report, samples = run(workspace, base, inputs, started, forget=force)
    manifest = Manifest(
        command="eval",
        config_hash=config_hash,
        inputs=inputs,
        seed=config.eval.seed,
        versions=report.versions,
        counts={
            "items": report.data.items,
            "tokens": report.data.tokens,
            "too_short": len(report.data.too_short),
        },
        output_hash=_content_hash(report, samples),
        started_at=started,
        finished_at=now(),
    )
    return Outcome(_write(workspace, report, samples, manifest), was_current=False)


def newest_report(workspace: Workspace) -> Path | None:
    """The folder of the newest half-split report; None when there is none."""
    return max(workspace.reports.glob(f"*-{KIND}"), default=None)


def _inputs(workspace: Workspace, base: Path) -> dict[str, str]:
    dataset = read_manifest(workspace.dataset)
    if dataset is None:
        raise OnbrandError(
            f"There is no data set in {workspace.dataset}; run `onbrand build` first."
        )
    merged = read_manifest(workspace.merged)
    if merged is None:
        raise OnbrandError(
            f"There is no merged model in {workspace.merged}; run `onbrand merge` first."
        )
    return {
        "dataset": dataset.output_hash,
        "merged": merged.output_hash,
        "base": identity_of(base),
    }


def _content_hash(report: Report, samples: Sequence[Sample]) -> str:
    """SHA-256 of what was found, whenever it was found."""
    parts = [report.model_dump_json(exclude={"created_at"})]
    parts += [sample.model_dump_json() for sample in samples]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _write(
    workspace: Workspace, report: Report, samples: Sequence[Sample], manifest: Manifest
) -> Manifest:
    folder = workspace.reports / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{KIND}"
    done = manifest.model_copy(
        update={
            "details": {
                "folder": str(folder.relative_to(workspace.root)),
                "base_perplexity": report.value("base", "perplexity"),
                "tuned_perplexity": report.value("tuned", "perplexity"),
                "report": report.model_dump(mode="json"),
            }
        }
    )
    with atomic_folder(folder) as partial:
        (partial / REPORT_NAME).write_text(report.model_dump_json(indent=2) + "\n", "utf-8")
        write_samples(partial / SAMPLES_NAME, samples)
        (partial / "report.md").write_text(render_page(report, samples), "utf-8")
        write_manifest(partial, done)
    return done
