"""JSON Lines: a file of pydantic models, one a line."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from onbrand.atomic import atomic_file
from onbrand.errors import OnbrandError

_Item = TypeVar("_Item", bound=BaseModel)


def write_json_lines(path: Path, items: Iterable[BaseModel]) -> None:
    """Write the items, atomically."""
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8") as lines:
        for item in items:
            lines.write(item.model_dump_json() + "\n")


def read_json_lines(
    path: Path, kind: type[_Item], what: str, remedy: str, *, containing: str = ""
) -> Iterator[_Item]:
    """Read the items one by one.

    Args:
        path: the file.
        kind: the model of a line.
        what: what a line is to be, such as "a record"; for the error.
        remedy: what to do where it cannot be read, such as "run `onbrand build --force`".
        containing: lines without this text are passed over unread.

    Raises:
        OnbrandError: the file is missing or a line is something else.
    """
    if not path.is_file():
        raise OnbrandError(f"{path} is not there; {remedy}.")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if containing not in line:
                continue
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise OnbrandError(
                    f"{path}, line {number} is not {what} ({reason}); {remedy}."
                ) from error
