"""Where people read: progress and notes go to standard error, results to standard output."""

from rich.console import Console

notes = Console(stderr=True, highlight=False)
"""Progress, warnings and errors."""

results = Console(highlight=False)
"""What a command answers; a program may read it with `--json`."""
