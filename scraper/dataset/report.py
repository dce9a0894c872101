"""What `onbrand build` prints: each step's balance, and what went into which split."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from onbrand.artifact import Manifest
from scraper.clean.rejected import StepCount


def report(manifest: Manifest) -> list[Table]:
    """Tables for the terminal, from the data set's manifest."""
    steps = [StepCount.model_validate(step) for step in manifest.details["steps"]]
    return [_steps(steps), _splits(manifest)]


def _steps(steps: Sequence[StepCount]) -> Table:
    table = Table(title="Steps", title_justify="left")
    table.add_column("step")
    for heading in ("came in", "changed", "dropped"):
        table.add_column(heading, justify="right")
    table.add_column("dropped per source")
    for step in steps:
        table.add_row(
            step.step,
            *(_total(counts) for counts in (step.came_in, step.changed, step.dropped)),
            ", ".join(f"{source} {count:,}" for source, count in step.dropped.items()),
        )
    return table


def _splits(manifest: Manifest) -> Table:
    table = Table(title="Data set", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for name in ("kept", "train", "validation", "test"):
        table.add_row(name, f"{manifest.counts[name]:,}")
    return table


def _total(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return f"{total:,}" if total else ""
