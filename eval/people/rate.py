"""`onbrand eval rate`: hand sheets out, take them back."""

from collections.abc import Sequence
from pathlib import Path

from eval.evaluate import score_again
from eval.generate.stage_files import RATINGS_NAME, read_stages
from eval.people.questions import read_key
from eval.people.ratings import read_ratings
from eval.people.sheet import write_sheet
from onbrand.artifact import Outcome
from onbrand.errors import UsageError
from onbrand.json_lines import write_json_lines
from onbrand.workspace import Workspace


def hand_out(folder: Path, between: str, most_texts: int) -> list[Path]:
    """Write a sheet about two models of a report; returns the files to hand out.

    Args:
        folder: of the report.
        between: their names with a comma; empty: the first and the last.
        most_texts: texts asked about, at most.

    Raises:
        UsageError: the report has no such models.
        OnbrandError: the report lacks its stages' files, or the two wrote the same.
    """
    generated = read_stages(folder)
    names = [card.name for card in generated.setup.models]
    a, _, b = between.partition(",") if between else (names[0], "", names[-1])
    if a == b or not {a, b} <= set(names):
        raise UsageError(
            f"--between {between or a} names no two models of the report; "
            f"it has {', '.join(names)}."
        )
    return write_sheet(folder, generated, (a, b), most_texts)


def take_back(workspace: Workspace, folder: Path, sheets: Sequence[Path]) -> Outcome:
    """Read filled-in sheets and write the report anew with what people said.

    Raises:
        OnbrandError: no sheet was handed out, or one of them cannot be read.
    """
    names = [card.name for card in read_stages(folder).setup.models]
    ratings = read_ratings(sheets, read_key(folder), names)
    write_json_lines(folder / RATINGS_NAME, ratings)
    return score_again(workspace, folder)
