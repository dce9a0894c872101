"""The report as a table in the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from eval.figures import FIGURES, Figure, show_change
from eval.report import Report, parse_report
from onbrand.console import results


def print_table(details: Mapping[str, Any]) -> None:
    """Print base, tuned and echo side by side, from the details of an evaluation's manifest.

    Raises:
        OnbrandError: they hold a report of another schema.
    """
    results.print(table(parse_report(details["report"], details["folder"])))


def table(report: Report) -> Table:
    """One line a figure; green where the tuned model did better, red where it did worse."""
    made = Table(
        title=f"Continuing {report.data.items} held-out texts of "
        f"{report.brand or 'the brand'} from their first half",
        caption="Echo repeats the first half: what a model that writes nothing of its own gets.",
    )
    made.add_column("")
    for column in ("base", "tuned", "change", "echo"):
        made.add_column(column, justify="right")
    for figure in FIGURES:
        if report.value("base", figure.key) is None:
            continue
        change = report.change_percent[figure.key]
        made.add_row(
            figure.label,
            figure.show(report.value("base", figure.key)),
            figure.show(report.value("tuned", figure.key)),
            f"[{_colour(figure, change)}]{show_change(change)}[/]",
            figure.show(report.value("echo", figure.key)),
        )
    return made


def _colour(figure: Figure, change: float | None) -> str:
    if not change:
        return "default"
    return "green" if (change < 0) == figure.lower_is_better else "red"
