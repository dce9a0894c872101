"""Finding and reading reports that were written before."""

import json
from pathlib import Path

from eval.evaluate import KIND, newest_report
from eval.report.schema import REPORT_NAME, Report, parse_report
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


def chosen_folder(workspace: Workspace, name: str) -> Path:
    """The folder of a report: by its name or path, or the newest of any kind when none is given.

    Raises:
        OnbrandError: there is none.
    """
    if name:
        for folder in (workspace.reports / name, workspace.input_path(name)):
            if (folder / REPORT_NAME).is_file():
                return folder
        raise OnbrandError(f"There is no report {name} in {workspace.reports}.")
    newest = max(workspace.reports.glob(f"*/{REPORT_NAME}"), default=None)
    if newest is None:
        raise OnbrandError(f"There is no report in {workspace.reports}; run `onbrand eval` first.")
    return newest.parent


def newest_half_split(workspace: Workspace, name: str) -> Path:
    """As `chosen_folder`, but only base against tuned when none is given."""
    newest = newest_report(workspace, KIND)
    return newest if newest and not name else chosen_folder(workspace, name)


def read_report(folder: Path) -> Report:
    """Read `report.json`.

    Raises:
        OnbrandError: it cannot be read, or is of another schema.
    """
    path = folder / REPORT_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OnbrandError(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise OnbrandError(f"{path} is not JSON; run `onbrand eval --force`.") from error
    return parse_report(values, path)
