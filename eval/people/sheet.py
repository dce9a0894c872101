"""The sheet that people rate on: one HTML file that works offline, and the same as CSV.

Neither says which model wrote what; only `rating-key.json` does.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from eval.generate.stage_files import Generated
from eval.people.questions import KEY_NAME, Key, Question, questions_from
from eval.report.pages import page
from onbrand.atomic import write_text
from onbrand.errors import OnbrandError

HTML_SHEET = "rating-sheet.html"
CSV_SHEET = "rating-sheet.csv"
SHEETS = "rating-*"
"""All that is handed out or belongs to it."""

COLUMNS = ("number", "first_half", "left", "right", "answer", "rater")
CHOICES = (
    ("left", "Left sounds more like the brand"),
    ("right", "Right sounds more like the brand"),
    ("same", "I cannot tell"),
)


def write_sheet(
    folder: Path, generated: Generated, rows: tuple[str, str], most_texts: int
) -> list[Path]:
    """Write sheet and key into a report's folder.

    Args:
        folder: of the report.
        generated: its texts.
        rows: the two models to choose between.
        most_texts: texts asked about, at most.

    Returns:
        The files to hand out.

    Raises:
        OnbrandError: the two models wrote the same everywhere.
    """
    questions = questions_from(generated, rows, most_texts)
    if not any({question.left, question.right} == set(rows) for question in questions):
        raise OnbrandError(
            f"{rows[0]} and {rows[1]} wrote the same for every text, so there is nothing to rate."
        )
    title = f"Which sounds more like {generated.setup.brand or 'the brand'}?"
    write_text(folder / KEY_NAME, Key(title=title, questions=questions).model_dump_json(indent=2))
    write_text(folder / HTML_SHEET, _html(title, questions))
    write_text(folder / CSV_SHEET, _csv(questions))
    return [folder / HTML_SHEET, folder / CSV_SHEET]


def _html(title: str, questions: Sequence[Question]) -> str:
    here = Path(__file__)
    return page(
        here.with_suffix(".html.j2"),
        style=here.with_suffix(".css").read_text(encoding="utf-8"),
        script=here.with_suffix(".js").read_text(encoding="utf-8"),
        title=title,
        questions=questions,
        choices=CHOICES,
    )


def _csv(questions: Sequence[Question]) -> str:
    """With a byte order mark, since spreadsheets take UTF-8 for something else without one."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for question in questions:
        cells = [question.first_half, question.left_text, question.right_text]
        writer.writerow([question.number, *map(_harmless, cells), "", ""])
    return "\ufeff" + stream.getvalue()


def _harmless(cell: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.lstrip().startswith(("=", "+", "-", "@")) else cell
