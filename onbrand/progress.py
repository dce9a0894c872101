"""How far a command is that takes more than seconds: a bar, or lines where there is no terminal."""

from threading import Lock
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from onbrand.console import notes

_SHARE, _SECONDS = 0.1, 60.0
"""Of the total, and since the line before: the next line waits for both."""


def progress_bar(said: str = "") -> Progress:
    """Task, bar, count, and the time that is left; `said` stands before that last one.

    `said` may name fields of the task, such as `{task.fields[loss]}`. In a file, where a bar would
    appear at its end only, a line is written now and then.
    """
    if not (notes.is_interactive or notes.is_jupyter):
        return _Lines(said)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    if said:
        columns.append(TextColumn(said))
    return Progress(*columns, TimeRemainingColumn(), console=notes)


class _Lines(Progress):
    """The same in lines: each tenth of the total, but one a minute at most, and the last state."""

    def __init__(self, said: str) -> None:
        super().__init__(console=notes, disable=True)
        self._said = said
        self._told: dict[TaskID, tuple[float, float]] = {}
        """Time and count of a task's line before."""
        self._telling = Lock()  # some commands count from several threads

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._tell(task_id)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._tell(task_id)

    def stop(self) -> None:
        for task_id in self.task_ids:
            self._tell(task_id, is_last=True)

    def _tell(self, task_id: TaskID, is_last: bool = False) -> None:
        with self._telling:
            task = next(task for task in self.tasks if task.id == task_id)
            now, total = self.get_time(), task.total or 0
            begun = now if task.start_time is None else task.start_time
            before, count = self._told.get(task_id, (begun, 0))
            is_due = now - before >= _SECONDS and task.completed - count >= _SHARE * total
            if task.completed > count and (is_due or is_last):
                self._told[task_id] = now, task.completed
                notes.print(self._line(task), soft_wrap=True, markup=False)

    def _line(self, task: Task) -> str:
        count = f"{task.description} {task.completed:g}/{task.total or 0:g}"
        return f"{count} {self._said.format(task=task)}".rstrip()
