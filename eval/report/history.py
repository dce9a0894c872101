"""`onbrand eval history`: every report of base against tuned, as a table and as trends."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table

from eval.evaluate import KIND
from eval.report import plots
from eval.report.figures import BY_KEY
from eval.report.pages import page
from eval.report.reading import read_report
from eval.report.schema import REPORT_NAME, Report
from onbrand.atomic import write_text
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

HISTORY_NAME = "history.html"
SHOWN = ("perplexity", "bits_per_byte", "tone", "rougeL")
_ROW = "tuned"


@dataclass(frozen=True)
class History:
    """The reports that can be read, oldest first, and what was wrong with the others."""

    reports: list[tuple[Path, Report]]
    passed_over: list[str]


def read_history(workspace: Workspace) -> History:
    """Every half-split report of the workspace.

    Raises:
        OnbrandError: there is none that can be read.
    """
    reports, passed_over = [], []
    for path in sorted(workspace.reports.glob(f"*-{KIND}/{REPORT_NAME}")):
        try:
            reports.append((path.parent, read_report(path.parent)))
        except OnbrandError as error:
            passed_over.append(str(error))
    if not reports:
        reason = passed_over[0] if passed_over else "run `onbrand eval` first."
        raise OnbrandError(f"{workspace.reports} holds no report that can be read: {reason}")
    return History(reports, passed_over)


def history_table(history: History) -> Table:
    """One line a run."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in _heads():
        is_text = head in ("run", "data")
        table.add_column(head, justify="left" if is_text else "right", no_wrap=is_text)
    for row in _rows(history.reports):
        table.add_row(*row)
    return table


def write_history(workspace: Workspace, history: History) -> Path:
    """Write `reports/history.html` with a trend of each figure; returns its path."""
    trends = []
    for key in SHOWN:
        found = [
            (report.created_at[:10], (score.value, score.low, score.high))
            for _, report in history.reports
            if (score := report.scores.get(_ROW, {}).get(key)) is not None
        ]
        if found:
            label = BY_KEY[key].label
            svg = plots.trend(label, [time for time, _ in found], [point for _, point in found])
            trends.append({"label": label, "svg": svg})
    here = Path(__file__)
    brand = history.reports[-1][1].brand or "the brand"
    path = workspace.reports / HISTORY_NAME
    write_text(
        path,
        page(
            here.with_name("history.html.j2"),
            style=here.with_name("report.css").read_text(encoding="utf-8"),
            title=f"How {brand} came to sound",
            plots=trends,
            heads=_heads(),
            rows=_rows(history.reports),
        ),
    )
    return path


def _heads() -> list[str]:
    labels = (BY_KEY[key].label.partition(" (")[0] for key in SHOWN)
    return ["run", *labels, "alarms", "texts", "data"]


def _rows(reports: Sequence[tuple[Path, Report]]) -> list[list[str]]:
    return [
        [
            folder.name.partition("-")[0],
            *(BY_KEY[key].show(report.value(_ROW, key)) for key in SHOWN),
            str(len(report.alarms)),
            str(report.data.items),
            report.data.hash[:8],
        ]
        for folder, report in reports
    ]
