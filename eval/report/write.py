"""Score what was generated, and write a report's folder."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from eval.generate.stage_files import Generated, write_stages
from eval.people.sheet import SHEETS
from eval.report.assemble import build
from eval.report.html import HTML_NAME, render_html
from eval.report.markdown import MARKDOWN_NAME, render_page
from eval.report.schema import BASE, REPORT_NAME, SAMPLES_NAME, Report, Sample
from eval.tone import read_registers
from onbrand.artifact import Manifest, now, write_manifest
from onbrand.atomic import atomic_folder
from onbrand.json_lines import write_json_lines
from onbrand.workspace import Workspace


def write_report(
    workspace: Workspace, folder: Path, generated: Generated, manifest: Manifest
) -> Manifest:
    """Score, and write everything into `folder`, whole or not at all.

    Args:
        workspace: whose settings count.
        folder: of the report; what is there is replaced, but for the sheets that people rate.
        generated: what the models wrote.
        manifest: what is known of the run; when it began is the report's time.

    Returns:
        The manifest as it was written, with the report in its details.
    """
    registers = read_registers([workspace.input_path(p) for p in workspace.config.eval.registers])
    report, samples = build(generated, registers, manifest.started_at)
    done = manifest.model_copy(
        update={
            "versions": report.versions,
            "counts": {
                "items": report.data.items,
                "tokens": report.data.tokens,
                "too_short": len(report.data.too_short),
                "alarms": len(report.alarms),
            },
            "output_hash": _content_hash(report, samples),
            "finished_at": now(),
            "details": {
                "folder": str(folder.relative_to(workspace.root)),
                **_headline(report),
                "report": report.model_dump(mode="json"),
            },
        }
    )
    for left_by_a_kill in folder.parent.glob("*.partial"):
        shutil.rmtree(left_by_a_kill)
    with atomic_folder(folder) as partial:
        for sheet in folder.glob(SHEETS):
            shutil.copy2(sheet, partial)
        write_stages(partial, generated)
        write_pages(partial, report, samples)
        write_manifest(partial, done)
    return done


def write_pages(folder: Path, report: Report, samples: Sequence[Sample]) -> None:
    """Write `report.json`, `report.md`, `report.html` and `samples.jsonl`."""
    (folder / REPORT_NAME).write_text(report.model_dump_json(indent=2) + "\n", "utf-8")
    write_json_lines(folder / SAMPLES_NAME, samples)
    (folder / MARKDOWN_NAME).write_text(render_page(report, samples), "utf-8")
    (folder / HTML_NAME).write_text(render_html(report, samples), "utf-8")


def _headline(report: Report) -> dict[str, float]:
    """What `onbrand status` shows."""
    found = {
        f"{name}_perplexity": value
        for name in report.names
        if (value := report.value(name, "perplexity")) is not None
    }
    tone = report.value(report.names[-1], "tone")
    return found if tone is None or report.names[-1] == BASE else found | {"tone": tone}


def _content_hash(report: Report, samples: Sequence[Sample]) -> str:
    """SHA-256 of what was found, whenever it was found."""
    parts = [report.model_dump_json(exclude={"created_at"})]
    parts += [sample.model_dump_json() for sample in samples]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
