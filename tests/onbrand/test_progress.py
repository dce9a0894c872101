"""What is said of how far a command is, in a terminal and in a file."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from onbrand import progress
from onbrand.progress import progress_bar


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Where notes go: a file."""
    file = io.StringIO()
    monkeypatch.setattr(progress, "notes", Console(file=file, width=40, highlight=False))
    return file


def advance(bar: Progress, total: int, seconds: float) -> None:
    """A task of as many steps, each of so many seconds."""
    clock = [0.0]
    bar.get_time = lambda: clock[0]
    task = bar.add_task("tune", total=total, loss="")
    for step in range(1, total + 1):
        clock[0] += seconds
        bar.update(task, completed=step, loss=f"loss {10 - step / 100:.2f} [x]")


def test_a_file_gets_a_line_each_tenth(written: io.StringIO) -> None:
    with progress_bar("{task.fields[loss]}") as bar:
        advance(bar, total=100, seconds=10)
        assert len(written.getvalue().splitlines()) == 10, "while it goes on, not at its end"
    lines = written.getvalue().splitlines()
    assert lines[0] == "tune 10/100 loss 9.90 [x]"
    assert lines[-1] == "tune 100/100 loss 9.00 [x]"
    assert len(lines) == 10


def test_and_one_a_minute_at_most(written: io.StringIO) -> None:
    with progress_bar() as bar:
        advance(bar, total=100, seconds=2)
    assert written.getvalue().splitlines() == [f"tune {n}/100" for n in (30, 60, 90, 100)]


def test_what_breaks_off_says_how_far_it_was(written: io.StringIO) -> None:
    def break_off() -> None:
        with progress_bar() as bar:
            bar.add_task("not begun", total=0)
            task = bar.add_task("briefs", total=8)
            bar.advance(task)
            bar.update(task, total=9)
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 (the one above)
        break_off()
    assert written.getvalue().splitlines() == ["briefs 1/9"]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    console = Console(file=file, width=60, force_terminal=True, force_interactive=True)
    monkeypatch.setattr(progress, "notes", console)
    with progress_bar("{task.fields[loss]}") as bar:
        advance(bar, total=10, seconds=1)
    assert "━━━" in file.getvalue()
