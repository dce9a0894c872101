"""The bar for what takes more than seconds; the one who waits sees how far it is."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from onbrand.console import notes


def progress_bar(said: str = "") -> Progress:
    """Task, bar, count, and the time that is left; `said` stands before that last one.

    `said` may name fields of the task, such as `{task.fields[loss]}`.
    """
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    if said:
        columns.append(TextColumn(said))
    return Progress(*columns, TimeRemainingColumn(), console=notes)
