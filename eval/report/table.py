"""The report as tables in the terminal."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from eval.report.figures import FIGURES, Figure, show_p
from eval.report.schema import Change, Report, parse_report
from onbrand.console import results

_NULL = "echo"
"""The null row that has a place in the terminal; the report has all of them."""
_ANY = 10_000
"""Columns; wider than any table, so that its own width can be asked for."""


def print_table(details: Mapping[str, Any]) -> None:
    """Print the models side by side, from the details of an evaluation's manifest.

    Raises:
        OnbrandError: they hold a report of another schema.
    """
    report = parse_report(details["report"], details["folder"])
    for alarm in report.alarms:
        results.print(f"[yellow]![/] [bold]{alarm.fault}[/]: {escape(alarm.sentence)}")
    side_by_side = _two(report, *report.names) if len(report.names) == 2 else None
    if side_by_side and _fits(side_by_side):
        results.print(side_by_side)
    else:
        for table in _values(report, (*report.names, _NULL)):
            results.print(table)
        for a, b in combinations(report.names, 2):
            results.print(_pair(report, a, b))
    for row in report.preferences:
        results.print(
            f"{escape(row.by)} prefers {escape(row.b)} to {escape(row.a)} in "
            f"{100 * row.share_b:.0f}% of {row.items} texts "
            f"({100 * row.low:.0f}–{100 * row.high:.0f}%; p {show_p(row.p)})."
        )


def _two(report: Report, a: str, b: str) -> Table:
    """One line a figure; green where the second model did better, red where it did worse."""
    table = _table(
        report,
        "Echo: what saying the first half again would score.",
        (a, b, "diff.", "95% interval", "p", _NULL),
    )
    for figure in FIGURES:
        before, after = report.value(a, figure.key), report.value(b, figure.key)
        change = report.change(a, b, figure.key)
        if before is None and after is None:
            continue
        table.add_row(
            _short(figure),
            figure.show(before),
            figure.show(after),
            *_cells(figure, change),
            figure.show(report.value(_NULL, figure.key)),
        )
    return table


def _values(report: Report, rows: tuple[str, ...]) -> list[Table]:
    """Every row's scores: one table, or several where the terminal is too narrow for one."""
    table = _table(report, "", rows)
    for figure in FIGURES:
        values = [report.value(row, figure.key) for row in rows]
        if any(report.value(name, figure.key) is not None for name in report.names):
            table.add_row(_short(figure), *map(figure.show, values))
    if len(rows) == 1 or _fits(table):
        return [table]
    middle = len(rows) // 2
    return [*_values(report, rows[:middle]), *_values(report, rows[middle:])]


def _fits(table: Table) -> bool:
    """Whether no cell has to be broken; a reader cannot put broken numbers together again."""
    return results.measure(table, options=results.options.update(max_width=_ANY)).maximum <= (
        results.width
    )


def _pair(report: Report, a: str, b: str) -> Table:
    table = Table(title=f"{escape(b)} less {escape(a)}", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    for column in ("difference", "95% interval", "p"):
        table.add_column(column, justify="right")
    for figure in FIGURES:
        if (change := report.change(a, b, figure.key)) is not None:
            table.add_row(_short(figure), *_cells(figure, change))
    return table


def _table(report: Report, caption: str, columns: tuple[str, ...]) -> Table:
    table = Table(
        title=f"Continuing {report.data.items} held-out texts of "
        f"{escape(report.brand or 'the brand')} from their first half",
        caption=caption or None,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("")
    for column in columns:
        table.add_column(escape(column), justify="right")
    return table


def _short(figure: Figure) -> str:
    """The figure's name without its range, which the report gives: every column is dear here."""
    return figure.label.partition(" (")[0]


def _cells(figure: Figure, change: Change | None) -> tuple[str, str, str]:
    if change is None:
        return "–", "–", "–"
    colour = "default"
    if change.is_seen and figure.better != "neither":
        colour = "green" if figure.improvement(change.value) > 0 else "red"
    interval = f"{figure.show_difference(change.low)} … {figure.show_difference(change.high)}"
    return (
        f"[{colour}]{figure.show_difference(change.value)}[/]",
        interval,
        show_p(change.p_bootstrap),
    )
